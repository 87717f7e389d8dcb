#pragma once
// From windows of multi-bit values to sums of products: the layer behind the network's input.

#include "onespike/windows.h"

namespace onespike {

/// Turns columns into windows: all words of each window, once a pass; the next columns come in meanwhile.
///
/// Out: for each window and pass: columns, units of the pass, rows.
template <class L>
void replay_windows(int engine, hls::stream<typename L::Word>& in, hls::stream<typename L::Word>& out) {
    ONESPIKE_PROCESS(L::stage);
    typename L::Word words[L::depth][L::units][L::rows];
#pragma HLS DEPENDENCE variable=words type=inter direction=RAW distance=3 dependent=true
    Ring<L> ring(engine);
    int pass = 0, tile = 0, first_unit = 0, column = 0, unit = 0, row = 0;
    while (ring.window < L::windows) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const bool readable = ring.has_window();
        if (ring.has_room() && !in.empty()) {
            words[ring.load_slot()][ring.load_unit()][ring.load_row()] = in.read();
            ring.word_loaded();
        }
        if (readable) {
            out.write(words[ring.slot(column)][first_unit + unit][row]);
            if (++row == L::rows) {
                row = 0;
                if (++unit == L::pass_units) {
                    unit = 0;
                    ++column;
                }
            }
            if (column == L::cols) {
                column = 0;
                ++pass;
                if (++tile == L::tiles) {
                    tile = 0;
                    first_unit += L::pass_units;
                }
            }
            if (pass == L::passes) {
                pass = 0;
                first_unit = 0;
                ring.window_done();
            }
        }
        ring.tick();
    }
}

/// Adds the products of values and weights, one position of all groups a clock into all lanes.
///
/// L::bundle units in turn share their weights.
template <class L>
void multiply_values(int engine, hls::stream<typename L::Word>& words,
                     const Rom<L::weight_bits> weights[L::weight_rows][L::lanes], hls::stream<typename L::Sums>& sums) {
    ONESPIKE_PROCESS(L::stage);
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
    const int unit_rows = L::rows * L::j;
    const int bundles = L::cols * L::pass_units / L::bundle;
    typename L::Sums sum = filled<typename L::Sums>(0);
#pragma HLS ARRAY_PARTITION variable=sum.lane complete
    typename L::Word word;
#pragma HLS ARRAY_PARTITION variable=word.lane complete
    for (int window = engine; window < L::windows; window += L::engines) {
        for (int pass = 0; pass < L::passes; ++pass) {
            for (int chunk = 0; chunk < bundles; ++chunk) {
                for (int i = 0; i < L::bundle; ++i) {
                    for (int row = 0; row < L::rows; ++row) {
                        for (int position = 0; position < L::j; ++position) {
#pragma HLS PIPELINE II=1
                            ONESPIKE_ITERATION;
                            if (position == 0) word = words.read();
                            const int address = pass * L::pass_rows + chunk * unit_rows + row * L::j + position;
                            for (int lane = 0; lane < L::lanes; ++lane) {
#pragma HLS UNROLL
                                const int group = lane / (L::lanes / L::groups);
                                const ap_int<L::weight_bits> weight = weights[address][lane];
                                sum.lane[lane] += weight * word.lane[group * L::j + position];
                            }
                            const bool unit_done = row == L::rows - 1 && position == L::j - 1;
                            if (unit_done && i == L::bundle - 1 && chunk == bundles - 1) {
                                sums.write(sum);
                                sum = filled<typename L::Sums>(0);
                            }
                        }
                    }
                }
            }
        }
    }
}

}  // namespace onespike
