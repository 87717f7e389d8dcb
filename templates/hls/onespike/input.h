#pragma once
// The network's input: from beats of the bus to words of differences.

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// Takes the zero point off each value.
///
/// In:  the beats of an image, pixel by pixel: I::n values of I::input_bits bits, each in a field of I::field_bits.
/// Out: words of I::n differences, which have one bit more.
template <class I>
void subtract_zero_points(hls::stream<Beat<I::beat_bits> >& pixels,
                          const Rom<I::value_bits> zeros[I::words][I::n],
                          hls::stream<Pack<ap_int<I::value_bits>, I::n> >& out) {
    ONESPIKE_PROCESS(I::stage);
#pragma HLS ARRAY_PARTITION variable=zeros dim=2 complete
    for (int pixel = 0; pixel < I::pixels; ++pixel) {
        for (int word = 0; word < I::words; ++word) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            const ap_uint<I::beat_bits> data = pixels.read().data;
            Pack<ap_int<I::value_bits>, I::n> differences;
            for (int i = 0; i < I::n; ++i) {
#pragma HLS UNROLL
                const int low = i * I::field_bits;
                const ap_uint<I::input_bits> field = data.range(low + I::input_bits - 1, low);
                ap_int<I::value_bits> value = field;
                if (I::is_signed) value = ap_int<I::input_bits>(field);
                differences.lane[i] = value - ap_int<I::value_bits>(zeros[word][i]);
            }
            out.write(differences);
        }
    }
}

/// Features of single bits as codes of one phase: a bit that is set spikes, code 0; code 1 is silent.
template <class I>
void read_spikes(hls::stream<Beat<I::beat_bits> >& pixels, hls::stream<Pack<ap_uint<1>, I::n> >& out) {
    ONESPIKE_PROCESS(I::stage);
    for (int i = 0; i < I::pixels * I::words; ++i) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const ap_uint<I::beat_bits> data = pixels.read().data;
        Pack<ap_uint<1>, I::n> codes;
        for (int n = 0; n < I::n; ++n) {
#pragma HLS UNROLL
            codes.lane[n] = data[n] ? 0 : 1;
        }
        out.write(codes);
    }
}

}  // namespace onespike
