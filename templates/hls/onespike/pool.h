#pragma once
// Max pooling. (Average pooling is a line buffer alone: the next layer reads all values of a window.)

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// The earliest spike of each window wins, which is the smallest code.
///
/// In: P::kernel words a window. Out: one word a window.
template <class P, class Word>
void earliest_spikes(hls::stream<Word>& in, hls::stream<Word>& out) {
    ONESPIKE_PROCESS(P::stage);
    Word earliest;
    for (int window = 0; window < P::windows; ++window) {
        for (int place = 0; place < P::kernel; ++place) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            const Word word = in.read();
            for (int i = 0; i < P::n; ++i) {
#pragma HLS UNROLL
                if (place == 0 || word.lane[i] < earliest.lane[i]) earliest.lane[i] = word.lane[i];
            }
            if (place == P::kernel - 1) out.write(earliest);
        }
    }
}

}  // namespace onespike
