// Windows that slide over an image, channels last: convolution and pooling, from an array or from a stream of pixels.
#ifndef ONESPIKE_WINDOW_H_
#define ONESPIKE_WINDOW_H_

#include "hls_stream.h"
#include "nnet_common.h"
#include "onespike_synapses.h"

namespace onespike {

// The window whose upper left corner is (top, left), CONFIG_T::padding outside of the image.
// rows: a ring of n_rows rows; row y of the image lies in row y % n_rows.
template <class data_T, unsigned n_rows, typename CONFIG_T>
void gather(const data_T *rows, const int top, const int left,
            data_T window[CONFIG_T::filt_height * CONFIG_T::filt_width * CONFIG_T::n_chan]) {
    #pragma HLS INLINE
Gather:
    for (unsigned tap = 0; tap < CONFIG_T::filt_height * CONFIG_T::filt_width; tap++) {
        const int y = top + int(tap / CONFIG_T::filt_width);
        const int x = left + int(tap % CONFIG_T::filt_width);
        const bool inside = y >= 0 && y < int(CONFIG_T::in_height) && x >= 0 && x < int(CONFIG_T::in_width);
        const unsigned pixel = inside ? (unsigned(y) % n_rows) * CONFIG_T::in_width + unsigned(x) : 0;
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            window[tap * CONFIG_T::n_chan + c] = inside ? rows[pixel * CONFIG_T::n_chan + c] : data_T(CONFIG_T::padding);
        }
    }
}

// Reads the rows of an image up to, not including, row `end` into a ring of the last filt_height rows.
template <class data_T, typename CONFIG_T>
void read_rows(hls::stream<data_T> &data, int &received, const int end, typename data_T::value_type *rows) {
    #pragma HLS INLINE
ReadRows:
    for (; received < end && received < int(CONFIG_T::in_height); received++) {
        for (unsigned x = 0; x < CONFIG_T::in_width; x++) {
            #pragma HLS PIPELINE II = 1
            const data_T pixel = data.read();
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                rows[((unsigned(received) % CONFIG_T::filt_height) * CONFIG_T::in_width + x) * CONFIG_T::n_chan + c] = pixel[c];
            }
        }
    }
}

// The smallest value of each channel's window: of phase codes, the earliest spike.
struct earliest {
    template <class data_T, class res_T, typename CONFIG_T> static void pool(const data_T *window, res_T *res) {
        #pragma HLS INLINE
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            res_T code = window[c];
            for (unsigned tap = 1; tap < CONFIG_T::filt_height * CONFIG_T::filt_width; tap++) {
                #pragma HLS UNROLL
                const data_T other = window[tap * CONFIG_T::n_chan + c];
                code = other < code ? res_T(other) : code;
            }
            res[c] = code;
        }
    }
};

// The sum of each channel's window: average pooling of integers without the division.
struct sum {
    template <class data_T, class res_T, typename CONFIG_T> static void pool(const data_T *window, res_T *res) {
        #pragma HLS INLINE
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            res_T total = 0;
            for (unsigned tap = 0; tap < CONFIG_T::filt_height * CONFIG_T::filt_width; tap++) {
                #pragma HLS UNROLL
                total += window[tap * CONFIG_T::n_chan + c];
            }
            res[c] = total;
        }
    }
};

template <class SYNAPSES_T, class data_T, class res_T, typename CONFIG_T>
void conv_2d(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_chan],
             res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_out * CONFIG_T::n_potentials],
             typename CONFIG_T::weight_t weights[CONFIG_T::n_weights],
             typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    data_T window[CONFIG_T::n_in];
    #pragma HLS ARRAY_PARTITION variable = window complete

Pixels:
    for (unsigned pixel = 0; pixel < CONFIG_T::out_height * CONFIG_T::out_width; pixel++) {
        const int top = int(pixel / CONFIG_T::out_width * CONFIG_T::stride_height) - int(CONFIG_T::pad_height);
        const int left = int(pixel % CONFIG_T::out_width * CONFIG_T::stride_width) - int(CONFIG_T::pad_width);
        gather<data_T, CONFIG_T::in_height, CONFIG_T>(data, top, left, window);
        SYNAPSES_T::integrate(window, res + pixel * CONFIG_T::n_out * CONFIG_T::n_potentials, weights, biases);
    }
}

template <class SYNAPSES_T, class data_T, class res_T, typename CONFIG_T>
void conv_2d(hls::stream<data_T> &data, hls::stream<res_T> &res_stream,
             typename CONFIG_T::weight_t weights[CONFIG_T::n_weights],
             typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    typedef typename data_T::value_type value_t;
    value_t rows[CONFIG_T::filt_height * CONFIG_T::in_width * CONFIG_T::n_chan];
    value_t window[CONFIG_T::n_in];
    #pragma HLS ARRAY_PARTITION variable = window complete
    typename res_T::value_type res[res_T::size];
    #pragma HLS ARRAY_PARTITION variable = res complete
    int received = 0;

Rows:
    for (unsigned oy = 0; oy < CONFIG_T::out_height; oy++) {
        const int top = int(oy * CONFIG_T::stride_height) - int(CONFIG_T::pad_height);
        read_rows<data_T, CONFIG_T>(data, received, top + int(CONFIG_T::filt_height), rows);
    Pixels:
        for (unsigned ox = 0; ox < CONFIG_T::out_width; ox++) {
            const int left = int(ox * CONFIG_T::stride_width) - int(CONFIG_T::pad_width);
            gather<value_t, CONFIG_T::filt_height, CONFIG_T>(rows, top, left, window);
            SYNAPSES_T::integrate(window, res, weights, biases);
            res_T packet;
            PRAGMA_DATA_PACK(packet)
            for (unsigned o = 0; o < res_T::size; o++) {
                #pragma HLS UNROLL
                packet[o] = res[o];
            }
            res_stream.write(packet);
        }
    }
    read_rows<data_T, CONFIG_T>(data, received, int(CONFIG_T::in_height), rows);
}

// POOL_T: earliest or sum.
template <class POOL_T, class data_T, class res_T, typename CONFIG_T>
void pool_2d(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_chan],
             res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_chan]) {
    data_T window[CONFIG_T::filt_height * CONFIG_T::filt_width * CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable = window complete

Pixels:
    for (unsigned pixel = 0; pixel < CONFIG_T::out_height * CONFIG_T::out_width; pixel++) {
        const int top = int(pixel / CONFIG_T::out_width * CONFIG_T::stride_height) - int(CONFIG_T::pad_height);
        const int left = int(pixel % CONFIG_T::out_width * CONFIG_T::stride_width) - int(CONFIG_T::pad_width);
        gather<data_T, CONFIG_T::in_height, CONFIG_T>(data, top, left, window);
        POOL_T::template pool<data_T, res_T, CONFIG_T>(window, res + pixel * CONFIG_T::n_chan);
    }
}

template <class POOL_T, class data_T, class res_T, typename CONFIG_T>
void pool_2d(hls::stream<data_T> &data, hls::stream<res_T> &res_stream) {
    typedef typename data_T::value_type value_t;
    typedef typename res_T::value_type pooled_t;
    value_t rows[CONFIG_T::filt_height * CONFIG_T::in_width * CONFIG_T::n_chan];
    value_t window[CONFIG_T::filt_height * CONFIG_T::filt_width * CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable = window complete
    pooled_t res[CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable = res complete
    int received = 0;

Rows:
    for (unsigned oy = 0; oy < CONFIG_T::out_height; oy++) {
        const int top = int(oy * CONFIG_T::stride_height) - int(CONFIG_T::pad_height);
        read_rows<data_T, CONFIG_T>(data, received, top + int(CONFIG_T::filt_height), rows);
    Pixels:
        for (unsigned ox = 0; ox < CONFIG_T::out_width; ox++) {
            const int left = int(ox * CONFIG_T::stride_width) - int(CONFIG_T::pad_width);
            gather<value_t, CONFIG_T::filt_height, CONFIG_T>(rows, top, left, window);
            POOL_T::template pool<value_t, pooled_t, CONFIG_T>(window, res);
            res_T packet;
            PRAGMA_DATA_PACK(packet)
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                packet[c] = res[c];
            }
            res_stream.write(packet);
        }
    }
    read_rows<data_T, CONFIG_T>(data, received, int(CONFIG_T::in_height), rows);
}

} // namespace onespike

#endif
