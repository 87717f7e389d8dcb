#pragma once
// Sums of two branches.
//
//     codes -> deal_words -> weigh_spikes -+
//                                          +-> join_sums -> sums
//     sums of a convolution ---------------+

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// Deals codes: the windows, S::words words each, go to the engines of the add in turn.
template <class S>
void deal_words(hls::stream<typename S::Word>& in, hls::stream<typename S::Word> engines[S::Add::engines]) {
    ONESPIKE_PROCESS(S::Add::stage);
    int turn = 0;
    for (int window = 0; window < S::Add::windows; ++window) {
        for (int i = 0; i < S::words; ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            const typename S::Word word = in.read();
            for (int e = 0; e < S::Add::engines; ++e) {
#pragma HLS UNROLL
                if (e == turn) engines[e].write(word);
            }
            if (i == S::words - 1) turn = turn == S::Add::engines - 1 ? 0 : turn + 1;
        }
    }
}

/// Place among the codes of a window, pixel by pixel, of the code that a neuron reads: its channel, or its place in a
/// map that was flattened channel by channel.
template <class S>
int place_of(int neuron) {
#pragma HLS INLINE
    const int channels = S::words * S::n / S::pixels;
    return neuron % S::pixels * channels + neuron / S::pixels;
}

/// Turns the codes of a window into sums, class by class: of each neuron its weight, in the class of its code.
///
/// A weight that other phases of its class follow is shifted as the sums of a branch with weights are by then.
template <class S>
void weigh_spikes(int engine, hls::stream<typename S::Word>& in,
                  const Rom<S::weight_bits> weights[S::Add::passes][S::Add::lanes],
                  const Rom<8> class_of[S::Add::phases + 1], const Rom<8> shift_of[S::Add::phases + 1],
                  hls::stream<typename S::Add::Sums>& sums) {
    ONESPIKE_PROCESS(S::Add::stage);
#pragma HLS ARRAY_RESHAPE variable=weights dim=2 complete
#pragma HLS ARRAY_PARTITION variable=class_of complete
#pragma HLS ARRAY_PARTITION variable=shift_of complete
    ap_uint<S::Add::code_bits> codes[S::words * S::n];
#pragma HLS ARRAY_PARTITION variable=codes complete
    for (int window = engine; window < S::Add::windows; window += S::Add::engines) {
        for (int i = 0; i < S::words; ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            const typename S::Word word = in.read();
            for (int n = 0; n < S::n; ++n) {
#pragma HLS UNROLL
                codes[i * S::n + n] = word.lane[n];
            }
        }
        for (int pass = 0; pass < S::Add::passes; ++pass) {
            for (int drain_class = 0; drain_class < S::Add::classes; ++drain_class) {
#pragma HLS PIPELINE II=1
                ONESPIKE_ITERATION;
                typename S::Add::Sums sum;
                for (int lane = 0; lane < S::Add::lanes; ++lane) {
#pragma HLS UNROLL
                    const int code = codes[place_of<S>(pass * S::Add::lanes + lane)];
                    const ap_int<S::weight_bits> weight = weights[pass][lane];
                    const ap_int<S::Add::acc_bits> shifted = ap_int<S::Add::acc_bits>(weight) << int(shift_of[code]);
                    sum.lane[lane] = class_of[code] == drain_class ? shifted : ap_int<S::Add::acc_bits>(0);
                }
                sums.write(sum);
            }
        }
    }
}

/// Adds the sums of two branches, lane by lane, class by class.
template <class L, class First, class Second>
void join_sums(int engine, hls::stream<First>& first, hls::stream<Second>& second,
               hls::stream<typename L::Sums>& sums) {
    ONESPIKE_PROCESS(L::stage);
    for (int window = engine; window < L::windows; window += L::engines) {
        for (int i = 0; i < L::passes * L::classes; ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            const First one = first.read();
            const Second other = second.read();
            typename L::Sums sum;
            for (int lane = 0; lane < L::lanes; ++lane) {
#pragma HLS UNROLL
                sum.lane[lane] = one.lane[lane] + other.lane[lane];
            }
            sums.write(sum);
        }
    }
}

}  // namespace onespike
