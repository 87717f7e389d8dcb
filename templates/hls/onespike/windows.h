#pragma once
// Windows for several engines: who gets which column, and which columns an engine holds.

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// Deals columns: the windows go to the engines in turn, and an engine gets the columns of its windows, each once.
template <class L>
class Dealer {
  public:
    Dealer() {
#pragma HLS ARRAY_PARTITION variable=first_ complete
        for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
            first_[e] = e * L::stride;
        }
    }

    /// Does the next window of an engine, or one before it, hold this column?
    bool wants(int engine, int column) const {
#pragma HLS INLINE
        return first_[engine] <= column && first_[engine] <= (L::row_windows - 1) * L::stride;
    }

    void column_done(int column) {
#pragma HLS INLINE
        for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
            if (wants(e, column) && column == first_[e] + L::cols - 1) first_[e] += L::engines * L::stride;
            if (column == L::columns - 1) first_[e] -= L::row_windows * L::stride;
        }
    }

  private:
    int first_[L::engines];  // first column of the next window of each engine, in the row of windows that is dealt
};

/// Which columns an engine holds: a ring, from which it takes its windows one after the other.
template <class L>
class Ring {
  public:
    explicit Ring(int engine) : window(engine), x_(engine % L::row_windows) {}

    int window;  // number of the window that is next, in the image

    /// The next column can come in.
    bool has_room() const {
#pragma HLS INLINE
        return Count(loaded_ - start_) != L::depth;
    }

    /// All columns of the next window are there, for two clocks already: so far apart are writing and reading a word.
    bool has_window() const {
#pragma HLS INLINE
        return Count(settled_ - start_) >= L::cols;
    }

    /// Where a column of the window lies.
    ap_uint<L::slot_bits> slot(int column) const {
#pragma HLS INLINE
        return start_ + column;
    }

    /// Where the word lies that comes in next.
    ap_uint<L::slot_bits> load_slot() const {
#pragma HLS INLINE
        return loaded_;
    }
    int load_unit() const {
#pragma HLS INLINE
        return unit_;
    }
    int load_row() const {
#pragma HLS INLINE
        return row_;
    }

    void word_loaded() {
#pragma HLS INLINE
        if (++row_ < L::rows) return;
        row_ = 0;
        if (++unit_ < L::units) return;
        unit_ = 0;
        ++loaded_;
    }

    void window_done() {
#pragma HLS INLINE
        // Columns between two windows of a row that are in neither are not dealt to this engine, nor any behind a row.
        const int hop = L::engines * L::stride < L::cols ? L::engines * L::stride : L::cols;
        window += L::engines;
        x_ += L::engines % L::row_windows;
        const bool row_done = L::engines >= L::row_windows || x_ >= L::row_windows;
        if (x_ >= L::row_windows) x_ -= L::row_windows;
        start_ += row_done ? L::cols : hop;
    }

    /// At the end of each clock.
    void tick() {
#pragma HLS INLINE
        settled_ = arrived_;
        arrived_ = loaded_;
    }

  private:
    typedef ap_uint<L::slot_bits + 1> Count;  // running number of a column, modulo twice the depth
    Count loaded_ = 0, arrived_ = 0, settled_ = 0, start_ = 0;
    int unit_ = 0, row_ = 0;  // of the word that comes in next
    int x_;                   // number of the next window in its row
};

/// Deals the columns of multi-bit values.
template <class L>
void deal(hls::stream<typename L::Word>& columns, hls::stream<typename L::Word> words[L::engines]) {
    ONESPIKE_PROCESS(L::stage);
    Dealer<L> dealer;
    for (int y = 0; y < L::windows / L::row_windows; ++y) {
        for (int column = 0; column < L::columns; ++column) {
            for (int i = 0; i < L::units * L::rows; ++i) {
#pragma HLS PIPELINE II=1
                ONESPIKE_ITERATION;
                const typename L::Word word = columns.read();
                for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
                    if (dealer.wants(e, column)) words[e].write(word);
                }
                if (i == L::units * L::rows - 1) dealer.column_done(column);
            }
        }
    }
}

/// Deals the columns of phase codes, and beside each word, for each phase, whether the word holds a spike of it.
template <class L>
void deal(hls::stream<typename L::Word>& columns, hls::stream<typename L::Word> words[L::engines],
          hls::stream<ap_uint<L::phases> > flags[L::engines]) {
    ONESPIKE_PROCESS(L::stage);
    Dealer<L> dealer;
    for (int y = 0; y < L::windows / L::row_windows; ++y) {
        for (int column = 0; column < L::columns; ++column) {
            for (int i = 0; i < L::units * L::rows; ++i) {
#pragma HLS PIPELINE II=1
                ONESPIKE_ITERATION;
                const typename L::Word word = columns.read();
                ap_uint<L::phases + 1> found = 0;  // the last bit is for silent codes
                for (int n = 0; n < L::n; ++n) {
#pragma HLS UNROLL
                    found |= ap_uint<L::phases + 1>(1) << word.lane[n];
                }
                for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
                    if (dealer.wants(e, column)) {
                        words[e].write(word);
                        flags[e].write(found);
                    }
                }
                if (i == L::units * L::rows - 1) dealer.column_done(column);
            }
        }
    }
}

}  // namespace onespike
