// The phase-coded dense layer. SYNAPSES_T: spikes or integers of onespike_synapses.h.
#ifndef ONESPIKE_DENSE_H_
#define ONESPIKE_DENSE_H_

#include "hls_stream.h"
#include "nnet_common.h"
#include "onespike_synapses.h"

namespace onespike {

template <class SYNAPSES_T, class data_T, class res_T, typename CONFIG_T>
void dense(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out * CONFIG_T::n_potentials],
           typename CONFIG_T::weight_t weights[CONFIG_T::n_weights], typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    SYNAPSES_T::integrate(data, res, weights, biases);
}

// The values may arrive in packets of any size that divides n_in, as those of an image that is flattened.
template <class SYNAPSES_T, class data_T, class res_T, typename CONFIG_T>
void dense(hls::stream<data_T> &data_stream, hls::stream<res_T> &res_stream,
           typename CONFIG_T::weight_t weights[CONFIG_T::n_weights], typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    typename data_T::value_type data[CONFIG_T::n_in];
    typename res_T::value_type res[res_T::size];
    #pragma HLS ARRAY_PARTITION variable = res complete

Read:
    for (unsigned i = 0; i < CONFIG_T::n_in; i += data_T::size) {
        #pragma HLS PIPELINE II = 1
        const data_T packet = data_stream.read();
        for (unsigned j = 0; j < data_T::size; j++) {
            #pragma HLS UNROLL
            data[i + j] = packet[j];
        }
    }
    SYNAPSES_T::integrate(data, res, weights, biases);

    res_T packet;
    PRAGMA_DATA_PACK(packet)
Pack:
    for (unsigned o = 0; o < res_T::size; o++) {
        #pragma HLS UNROLL
        packet[o] = res[o];
    }
    res_stream.write(packet);
}

} // namespace onespike

#endif
