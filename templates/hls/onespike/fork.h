#pragma once
// One stream for several readers.

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// Gives every word of an image to all readers.
template <class F, class Word, class... Readers>
void fork(hls::stream<Word>& in, Readers&... readers) {
    ONESPIKE_PROCESS(F::stage);
    for (int i = 0; i < F::words; ++i) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const Word word = in.read();
        const int written[] = {(readers.write(word), 0)...};
        (void)written;
    }
}

}  // namespace onespike
