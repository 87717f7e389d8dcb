#pragma once
// From windows of phase codes to sums of weights: only spikes take a clock.
//
//     flags -> find_words -> Visit -> fetch_words -> Bitmap -> add_spikes -> sums
//     words ------------------------------^

#include "onespike/windows.h"

namespace onespike {

/// Words of a window that hold spikes of one phase: some rows of one column.
template <class L>
struct Visit {
    ap_uint<L::rows> rows;  // none in a visit for the sake of its shift or drain
    ap_uint<L::slot_bits> slot;
    ap_uint<L::unit_bits> unit;
    ap_uint<L::code_bits> phase;
    ap_uint<L::base_bits> base;  // first row of weights of the words
    ap_uint<1> shift;            // the sums shift before the first weight
    ap_uint<1> drain;            // the sums leave behind the last weight
    ap_uint<1> last;             // the window ends
};

/// Spikes of one word.
template <class L>
struct Bitmap {
    ap_uint<L::n> spikes;
    ap_uint<L::base_bits> base;
    ap_uint<1> shift;
    ap_uint<1> drain;
};

/// Walks each window in the order of the phases and visits only words that hold spikes.
///
/// In each of the L::passes and of the T steps: columns, units of a pass, one unit a clock. L::bundle units in turn
/// share their weights. Where a step holds no spike but shifts or drains, an empty visit does it.
template <class L>
void find_words(int engine, hls::stream<ap_uint<L::phases> >& flags, const Rom<L::code_bits + 1> order[L::phases],
                const bool shifts[L::phases], const bool drains[L::phases], hls::stream<Visit<L> >& visits) {
    ONESPIKE_PROCESS(L::stage);
    ap_uint<L::rows> marks[L::phases][L::depth][L::units];
#pragma HLS ARRAY_PARTITION variable=marks dim=1 complete
#pragma HLS DEPENDENCE variable=marks type=inter direction=RAW distance=3 dependent=true
    ap_uint<L::rows> arriving[L::phases];
#pragma HLS ARRAY_PARTITION variable=arriving complete
    for (int k = 0; k < L::phases; ++k) {
#pragma HLS UNROLL
        arriving[k] = 0;
    }
    Ring<L> ring(engine);
    int pass = 0, tile = 0, first_unit = 0, step = 0, column = 0, unit = 0, in_bundle = 0;
    int pass_base = 0, base = 0;
    bool sent = false;  // a visit of this step has left
    while (ring.window < L::windows) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const bool walk = ring.has_window();
        if (ring.has_room() && !flags.empty()) {
            const ap_uint<L::phases> found = flags.read();
            for (int k = 0; k < L::phases; ++k) {
#pragma HLS UNROLL
                if (ring.load_row() == 0) arriving[k] = 0;
                arriving[k][ring.load_row()] = found[k];
                if (ring.load_row() == L::rows - 1) marks[k][ring.load_slot()][ring.load_unit()] = arriving[k];
            }
            ring.word_loaded();
        }
        if (walk) {
            const bool step_done = unit == L::pass_units - 1 && column == L::cols - 1;
            const bool pass_done = step_done && step == L::phases - 1;
            Visit<L> visit;
            visit.phase = order[step];
            visit.slot = ring.slot(column);
            visit.unit = first_unit + unit;
            visit.rows = marks[visit.phase][visit.slot][visit.unit];
            visit.base = base;
            visit.shift = shifts[step] && !sent;
            visit.drain = drains[step] && step_done;
            visit.last = pass_done && pass == L::passes - 1;
            const bool some = visit.rows != 0;
            if (some || visit.drain || (step_done && visit.shift)) visits.write(visit);
            sent = !step_done && (sent || some);

            if (++in_bundle == L::bundle) {
                in_bundle = 0;
                base += L::rows * L::j;
            }
            if (++unit == L::pass_units) {
                unit = 0;
                ++column;
            }
            if (step_done) {
                column = 0;
                base = pass_base;
                ++step;
            }
            if (pass_done) {
                step = 0;
                pass_base += L::pass_rows;
                base = pass_base;
                ++pass;
                if (++tile == L::tiles) {
                    tile = 0;
                    first_unit += L::pass_units;
                }
            }
            if (visit.last) {
                pass = 0;
                first_unit = 0;
                pass_base = 0;
                base = 0;
                ring.window_done();
            }
        }
        ring.tick();
    }
}

/// Reads the words that were found, one a clock: which of its channels spike in the phase of the visit?
template <class L>
void fetch_words(int engine, hls::stream<typename L::Word>& in, hls::stream<Visit<L> >& visits,
                 hls::stream<Bitmap<L> >& bitmaps) {
    ONESPIKE_PROCESS(L::stage);
    typename L::Word words[L::depth][L::units][L::rows];
#pragma HLS DEPENDENCE variable=words type=inter direction=RAW distance=3 dependent=true
    Ring<L> ring(engine);
    bool visiting = false;
    Visit<L> visit;
    while (ring.window < L::windows) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const bool readable = ring.has_window();
        if (ring.has_room() && !in.empty()) {
            words[ring.load_slot()][ring.load_unit()][ring.load_row()] = in.read();
            ring.word_loaded();
        }
        if (readable && (visiting || !visits.empty())) {
            if (!visiting) visit = visits.read();
            const int row = lowest_bit(visit.rows);
            const bool some = visit.rows != 0;
            if (some) visit.rows[row] = 0;
            visiting = visit.rows != 0;
            const typename L::Word word = words[visit.slot][visit.unit][row];
            Bitmap<L> bitmap;
            for (int n = 0; n < L::n; ++n) {
#pragma HLS UNROLL
                bitmap.spikes[n] = some && word.lane[n] == visit.phase;
            }
            bitmap.base = visit.base + row * L::j;
            bitmap.shift = visit.shift;
            bitmap.drain = visit.drain && !visiting;
            bitmaps.write(bitmap);
            visit.shift = 0;
            if (visit.last && !visiting) ring.window_done();
        }
        ring.tick();
    }
}

/// Adds the weights of the spikes, one spike a clock into all lanes: sum = (shift ? sum << m : sum) + weight.
///
/// A word holds L::groups groups of L::j channels; position j of all groups is added in one clock, each group into
/// lanes of its own. A bitmap without spikes reads the last row of weights, which is zero.
template <class L>
void add_spikes(int engine, hls::stream<Bitmap<L> >& bitmaps,
                const Rom<L::weight_bits> weights[L::weight_rows][L::lanes], hls::stream<typename L::Sums>& sums) {
    ONESPIKE_PROCESS(L::stage);
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
    typename L::Sums sum = filled<typename L::Sums>(0);
#pragma HLS ARRAY_PARTITION variable=sum.lane complete
    Bitmap<L> bitmap;
    bool rest = false;
    int drained = 0;
    for (int window = engine; window < L::windows;) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        if (!rest) bitmap = bitmaps.read();
        ap_uint<L::j> any = 0;
        for (int g = 0; g < L::groups; ++g) {
#pragma HLS UNROLL
            any |= ap_uint<L::j>(bitmap.spikes.range(g * L::j + L::j - 1, g * L::j));
        }
        const int position = lowest_bit(any);
        const int row = any == 0 ? L::weight_rows - 1 : int(bitmap.base) + position;
        ap_uint<L::groups> enable;
        for (int g = 0; g < L::groups; ++g) {
#pragma HLS UNROLL
            enable[g] = bitmap.spikes[g * L::j + position];
            bitmap.spikes[g * L::j + position] = 0;
        }
        rest = bitmap.spikes != 0;
        const bool shift = bitmap.shift;
        bitmap.shift = 0;
        for (int lane = 0; lane < L::lanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<L::weight_bits> stored = weights[row][lane];
            const bool enabled = L::groups == 1 || enable[lane / (L::lanes / L::groups)];
            const ap_int<L::weight_bits> weight = enabled ? stored : ap_int<L::weight_bits>(0);
            const ap_int<L::acc_bits> before = sum.lane[lane];
            const ap_int<L::acc_bits> shifted = shift ? ap_int<L::acc_bits>(before << L::shift) : before;
            sum.lane[lane] = shifted + weight;
        }
        if (!rest && bitmap.drain) {
            sums.write(sum);
            sum = filled<typename L::Sums>(0);
            if (++drained == L::passes * L::classes) {
                drained = 0;
                window += L::engines;
            }
        }
    }
}

}  // namespace onespike
