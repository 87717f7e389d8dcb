// Each value on its own: what a spike is worth, and the input less its zero point.
#ifndef ONESPIKE_VALUE_H_
#define ONESPIKE_VALUE_H_

#include "hls_stream.h"
#include "nnet_common.h"

namespace onespike {

// The phase constant of a spike, 0 where silent.
template <typename CONFIG_T> struct worth {
    template <class res_T, class data_T> static res_T of(const data_T code, const unsigned) {
        #pragma HLS INLINE
        const unsigned phase = code;
        return phase < CONFIG_T::n_phases ? res_T(CONFIG_T::constant(phase)) : res_T(0);
    }
};

// An integer less the zero point of its channel.
template <typename CONFIG_T> struct difference {
    template <class res_T, class data_T> static res_T of(const data_T value, const unsigned channel) {
        #pragma HLS INLINE
        return value - CONFIG_T::zero_point(channel);
    }
};

// VALUE_T: worth or difference.
template <class VALUE_T, class data_T, class res_T, typename CONFIG_T>
void each_value(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_in]) {
Values:
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS PIPELINE II = 1
        res[i] = VALUE_T::template of<res_T>(data[i], i % CONFIG_T::n_chan);
    }
}

template <class VALUE_T, class data_T, class res_T, typename CONFIG_T>
void each_value(hls::stream<data_T> &data, hls::stream<res_T> &res) {
Pixels:
    for (unsigned i = 0; i < CONFIG_T::n_in; i += data_T::size) {
        #pragma HLS PIPELINE II = 1
        const data_T arrived = data.read();
        res_T packet;
        PRAGMA_DATA_PACK(packet)
        for (unsigned j = 0; j < data_T::size; j++) {
            #pragma HLS UNROLL
            packet[j] = VALUE_T::template of<typename res_T::value_type>(arrived[j], (i + j) % CONFIG_T::n_chan);
        }
        res.write(packet);
    }
}

} // namespace onespike

#endif
