#pragma once
// Words that travel between functions, and the types of constants.

#include "ap_int.h"
#include "hls_stream.h"

#if defined(__has_include)
#if __has_include("ap_axi_sdata.h")
#include "ap_axi_sdata.h"
#define ONESPIKE_VENDOR_BEATS
#endif
#endif

namespace onespike {

/// N values side by side.
template <class T, int N>
struct Pack {
    T lane[N];
};

/// A Pack with the same value in all lanes.
template <class Word>
Word filled(int value) {
#pragma HLS INLINE
    Word word;
    for (auto& lane : word.lane) {
#pragma HLS UNROLL
        lane = value;
    }
    return word;
}

#ifdef ONESPIKE_VENDOR_BEATS
/// One transfer of an AXI4-Stream of BITS bits.
template <int BITS>
using Beat = ap_axiu<BITS, 0, 0, 0>;
#else
/// One transfer of an AXI4-Stream of BITS bits, with the fields of ap_axiu; for compilers that do not have that.
template <int BITS>
struct Beat {
    ap_uint<BITS> data;
    ap_uint<BITS / 8> keep;
    ap_uint<BITS / 8> strb;
    ap_uint<1> last;
};
#endif

template <int BITS>
Beat<BITS> make_beat(ap_uint<BITS> data, bool last) {
#pragma HLS INLINE
    Beat<BITS> beat;
    beat.data = data;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = last;
    return beat;
}

#ifdef __SYNTHESIS__
/// Constant of BITS bits in a memory.
template <int BITS>
using Rom = ap_int<BITS>;
#else
template <bool BYTE, bool SHORT, bool INT>
struct RomType {
    typedef long long type;
};
template <>
struct RomType<true, true, true> {
    typedef signed char type;
};
template <>
struct RomType<false, true, true> {
    typedef short type;
};
template <>
struct RomType<false, false, true> {
    typedef int type;
};
/// Constant of BITS bits in a memory: a plain number, so that a table needs no constructor calls. Every use of it
/// goes through an ap_int<BITS>.
template <int BITS>
using Rom = typename RomType<(BITS <= 8), (BITS <= 16), (BITS <= 32)>::type;
#endif

/// Number of the lowest bit that is set; 0 where there is none.
template <int BITS>
int lowest_bit(ap_uint<BITS> bits) {
#pragma HLS INLINE
    const unsigned long long plain = bits.to_uint64();
    int lowest = 0;
    for (int i = BITS - 1; i >= 0; --i) {
#pragma HLS UNROLL
        if ((plain >> i) & 1) lowest = i;
    }
    return lowest;
}

}  // namespace onespike
