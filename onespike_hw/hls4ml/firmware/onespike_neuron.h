// The one-spike neuron: potentials to phase codes.
#ifndef ONESPIKE_NEURON_H_
#define ONESPIKE_NEURON_H_

#include "hls_stream.h"
#include "nnet_common.h"

namespace onespike {

// The phase in which a neuron fires: the smallest whose threshold its potential reaches; n_phases where it is silent.
// potentials: the one that phase k tests is number k; the last one serves all later phases.
template <class potential_T, class code_T, typename CONFIG_T>
code_T fire(const potential_T *potentials, const typename CONFIG_T::ladder_t *thresholds) {
    #pragma HLS INLINE
    code_T code = CONFIG_T::n_phases;
Fire:
    for (unsigned step = 1; step <= CONFIG_T::n_phases; step++) {
        #pragma HLS UNROLL
        const unsigned phase = CONFIG_T::n_phases - step;
        const unsigned tested = phase < CONFIG_T::n_potentials ? phase : CONFIG_T::n_potentials - 1;
        if (potentials[tested] >= thresholds[phase]) {
            code = phase;
        }
    }
    return code;
}

template <class data_T, class res_T, typename CONFIG_T>
void one_spike(data_T potentials[CONFIG_T::n_neurons * CONFIG_T::n_potentials], res_T codes[CONFIG_T::n_neurons],
               typename CONFIG_T::ladder_t ladder[CONFIG_T::n_chan * CONFIG_T::n_phases]) {
    #pragma HLS ARRAY_PARTITION variable = ladder complete
Neurons:
    for (unsigned i = 0; i < CONFIG_T::n_neurons; i++) {
        #pragma HLS PIPELINE II = 1
        codes[i] = fire<data_T, res_T, CONFIG_T>(potentials + i * CONFIG_T::n_potentials,
                                                 ladder + i % CONFIG_T::n_chan * CONFIG_T::n_phases);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void one_spike(hls::stream<data_T> &potentials, hls::stream<res_T> &codes,
               typename CONFIG_T::ladder_t ladder[CONFIG_T::n_chan * CONFIG_T::n_phases]) {
    #pragma HLS ARRAY_PARTITION variable = ladder complete
Pixels:
    for (unsigned i = 0; i < CONFIG_T::n_neurons; i += CONFIG_T::n_chan) {
        #pragma HLS PIPELINE II = 1
        const data_T arrived = potentials.read();
        res_T packet;
        PRAGMA_DATA_PACK(packet)
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            packet[c] = fire<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(
                arrived.data + c * CONFIG_T::n_potentials, ladder + c * CONFIG_T::n_phases);
        }
        codes.write(packet);
    }
}

} // namespace onespike

#endif
