// What a neuron integrates: phase codes or integers times INT8 weights.
#ifndef ONESPIKE_SYNAPSES_H_
#define ONESPIKE_SYNAPSES_H_

namespace onespike {

// Phase codes: weights are added into one sum a phase, never multiplied. Then the phase constants weigh the sums; phases
// of one class differ by shifts alone and share a multiplication. Neuron o's potentials leave at o * n_potentials ..,
// those after the phases n_phases - n_potentials .. n_phases - 1.
// weights: one row for each input value, of all neurons that read it.
template <typename CONFIG_T> struct spikes {
    typedef typename CONFIG_T::sum_t sum_t;

    template <class code_T, class res_T>
    static void integrate(const code_T codes[CONFIG_T::n_in], res_T res[CONFIG_T::n_out * CONFIG_T::n_potentials],
                          const typename CONFIG_T::weight_t weights[CONFIG_T::n_weights],
                          const typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
        #pragma HLS INLINE
        const unsigned readers = CONFIG_T::n_out / CONFIG_T::groups;
        #pragma HLS ARRAY_RESHAPE variable = weights cyclic factor = readers

        sum_t sums[CONFIG_T::n_phases][CONFIG_T::n_out];
        #pragma HLS ARRAY_PARTITION variable = sums complete dim = 0

    Clear:
        for (unsigned phase = 0; phase < CONFIG_T::n_phases; phase++) {
            #pragma HLS UNROLL
            for (unsigned o = 0; o < CONFIG_T::n_out; o++) {
                #pragma HLS UNROLL
                sums[phase][o] = 0;
            }
        }
    Synapses:
        for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
            #pragma HLS PIPELINE II = 1
            const unsigned phase = codes[i];
            const unsigned group = i % CONFIG_T::n_chan * CONFIG_T::groups / CONFIG_T::n_chan;
            if (phase < CONFIG_T::n_phases) {
                for (unsigned o = 0; o < readers; o++) {
                    #pragma HLS UNROLL
                    sums[phase][group * readers + o] += weights[i * readers + o];
                }
            }
        }
        if (CONFIG_T::n_potentials == 1) {
            settle(sums, res, biases);
        } else {
            settle_phase_by_phase(sums, res, biases);
        }
    }

  private:
    template <class res_T>
    static void settle(const sum_t sums[CONFIG_T::n_phases][CONFIG_T::n_out], res_T res[CONFIG_T::n_out],
                       const typename CONFIG_T::bias_t *biases) {
        #pragma HLS INLINE
    Settle:
        for (unsigned o = 0; o < CONFIG_T::n_out; o++) {
            #pragma HLS UNROLL
            res_T potential = biases[o];
            for (unsigned first = 0; first < CONFIG_T::n_classes; first++) {
                #pragma HLS UNROLL
                typename CONFIG_T::class_sum_t class_sum = 0;
                unsigned last = first;
                for (unsigned phase = first; phase < CONFIG_T::n_phases; phase += CONFIG_T::n_classes) {
                    #pragma HLS UNROLL
                    class_sum = (class_sum << CONFIG_T::class_shift) + sums[phase][o];
                    last = phase;
                }
                potential += class_sum * CONFIG_T::constant(last);
            }
            res[o] = potential;
        }
    }

    template <class res_T>
    static void settle_phase_by_phase(const sum_t sums[CONFIG_T::n_phases][CONFIG_T::n_out],
                                      res_T res[CONFIG_T::n_out * CONFIG_T::n_potentials],
                                      const typename CONFIG_T::bias_t *biases) {
        #pragma HLS INLINE
        const unsigned wait = CONFIG_T::n_phases - CONFIG_T::n_potentials;
    Settle:
        for (unsigned o = 0; o < CONFIG_T::n_out; o++) {
            #pragma HLS UNROLL
            res_T potential = biases[o];
            for (unsigned phase = 0; phase < CONFIG_T::n_phases; phase++) {
                #pragma HLS UNROLL
                potential += sums[phase][o] * CONFIG_T::constant(phase);
                if (phase >= wait) {
                    res[o * CONFIG_T::n_potentials + phase - wait] = potential;
                }
            }
        }
    }
};

// Integers, as the network's input: one potential a neuron.
template <typename CONFIG_T> struct integers {
    template <class data_T, class res_T>
    static void integrate(const data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
                          const typename CONFIG_T::weight_t weights[CONFIG_T::n_weights],
                          const typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
        #pragma HLS INLINE
        const unsigned readers = CONFIG_T::n_out / CONFIG_T::groups;
        #pragma HLS ARRAY_RESHAPE variable = weights cyclic factor = readers

        res_T potentials[CONFIG_T::n_out];
        #pragma HLS ARRAY_PARTITION variable = potentials complete

    Clear:
        for (unsigned o = 0; o < CONFIG_T::n_out; o++) {
            #pragma HLS UNROLL
            potentials[o] = biases[o];
        }
    Synapses:
        for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
            #pragma HLS PIPELINE II = 1
            const unsigned group = i % CONFIG_T::n_chan * CONFIG_T::groups / CONFIG_T::n_chan;
            for (unsigned o = 0; o < readers; o++) {
                #pragma HLS UNROLL
                potentials[group * readers + o] += weights[i * readers + o] * data[i];
            }
        }
    Copy:
        for (unsigned o = 0; o < CONFIG_T::n_out; o++) {
            #pragma HLS UNROLL
            res[o] = potentials[o];
        }
    }
};

} // namespace onespike

#endif
