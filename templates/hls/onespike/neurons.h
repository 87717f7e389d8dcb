#pragma once
// From sums of weights to potentials: V = bias + sum over the classes of constant * sum, and what neurons make of them.
//
// Lanes come in L::lane_groups groups, which work side by side; the L::group_lanes lanes of a group drain one a clock.
// A drain takes L::period clocks at least, so that a potential is stored before the next class adds to it.

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// The potential of one lane once it has taken in the sum of a class.
template <class L>
typename L::Potential integrate(int drain_class, typename L::Potential before, Rom<L::potential_bits> bias,
                                Rom<L::constant_bits> constant, ap_int<L::acc_bits> sum) {
#pragma HLS INLINE
    const typename L::Potential from = drain_class == 0 ? typename L::Potential(bias) : before;
    return from + ap_int<L::constant_bits>(constant) * sum;
}

/// The smallest phase whose threshold the potential reaches, T where there is none. A ladder never rises.
template <class L>
int first_phase(typename L::Potential potential, const Rom<L::potential_bits> ladder[L::phases]) {
#pragma HLS INLINE
    int missed = 0;
    for (int k = 0; k < L::phases; ++k) {
#pragma HLS UNROLL
        if (potential < typename L::Potential(ladder[k])) ++missed;
    }
    return missed;
}

/// Neurons that wait for all of their input: one potential against the whole ladder.
template <class L>
void fire_settled(int engine, hls::stream<typename L::Sums>& in, const Rom<L::constant_bits> constants[L::classes],
                  const Rom<L::potential_bits> bias[L::lane_groups][L::passes * L::group_lanes],
                  const Rom<L::potential_bits> ladder[L::lane_groups][L::passes * L::group_lanes][L::phases],
                  hls::stream<typename L::Codes>& out) {
    ONESPIKE_PROCESS(L::stage);
#pragma HLS ARRAY_PARTITION variable=bias dim=1 complete
#pragma HLS ARRAY_PARTITION variable=ladder dim=1 complete
#pragma HLS ARRAY_RESHAPE variable=ladder dim=3 complete
    typename L::Potential potentials[L::lane_groups][L::group_lanes];
#pragma HLS ARRAY_PARTITION variable=potentials dim=1 complete
#pragma HLS DEPENDENCE variable=potentials type=inter direction=RAW distance=6 dependent=true
    typename L::Sums sums;
#pragma HLS ARRAY_PARTITION variable=sums.lane complete
    typename L::Codes codes;
#pragma HLS ARRAY_PARTITION variable=codes.lane complete
    for (int window = engine; window < L::windows; window += L::engines) {
        for (int pass = 0; pass < L::passes; ++pass) {
            for (int drain_class = 0; drain_class < L::classes; ++drain_class) {
                for (int lane = 0; lane < L::period; ++lane) {
#pragma HLS PIPELINE II=1
                    ONESPIKE_ITERATION;
                    if (lane == 0) sums = in.read();
                    for (int g = 0; g < L::lane_groups; ++g) {
#pragma HLS UNROLL
                        if (lane < L::group_lanes) {
                            const int neuron = pass * L::group_lanes + lane;
                            const int place = g * L::group_lanes + lane;
                            const typename L::Potential potential =
                                integrate<L>(drain_class, potentials[g][lane], bias[g][neuron],
                                             constants[drain_class], sums.lane[place]);
                            potentials[g][lane] = potential;
                            if (drain_class == L::classes - 1)
                                codes.lane[place] = first_phase<L>(potential, ladder[g][neuron]);
                        }
                    }
                    if (drain_class == L::classes - 1 && lane == L::period - 1) out.write(codes);
                }
            }
        }
    }
}

/// Neurons that do not wait for all of their input (L::wait below T - 1): after each phase they test one step.
///
/// After phase k the neuron tests step k - wait; what has fired stays fired. After the last phase, the steps from
/// T - 1 - wait on are left to a neuron that has not.
template <class L>
void fire_early(int engine, hls::stream<typename L::Sums>& in, const Rom<L::constant_bits> constants[L::classes],
                const Rom<L::potential_bits> bias[L::lane_groups][L::passes * L::group_lanes],
                const Rom<L::potential_bits> ladder[L::lane_groups][L::passes * L::group_lanes][L::phases],
                hls::stream<typename L::Codes>& out) {
    ONESPIKE_PROCESS(L::stage);
#pragma HLS ARRAY_PARTITION variable=bias dim=1 complete
#pragma HLS ARRAY_PARTITION variable=ladder dim=1 complete
#pragma HLS ARRAY_RESHAPE variable=ladder dim=3 complete
    typename L::Potential potentials[L::lane_groups][L::group_lanes];
#pragma HLS ARRAY_PARTITION variable=potentials dim=1 complete
#pragma HLS DEPENDENCE variable=potentials type=inter direction=RAW distance=6 dependent=true
    typename L::Sums sums;
#pragma HLS ARRAY_PARTITION variable=sums.lane complete
    typename L::Codes codes;
#pragma HLS ARRAY_PARTITION variable=codes.lane complete
    const int first_left = L::phases - 1 - L::wait;
    for (int window = engine; window < L::windows; window += L::engines) {
        for (int pass = 0; pass < L::passes; ++pass) {
            for (int phase = 0; phase < L::phases; ++phase) {
                for (int lane = 0; lane < L::period; ++lane) {
#pragma HLS PIPELINE II=1
                    ONESPIKE_ITERATION;
                    if (lane == 0) sums = in.read();
                    for (int g = 0; g < L::lane_groups; ++g) {
#pragma HLS UNROLL
                        if (lane < L::group_lanes) {
                            const int neuron = pass * L::group_lanes + lane;
                            const int place = g * L::group_lanes + lane;
                            const typename L::Potential potential =
                                integrate<L>(phase, potentials[g][lane], bias[g][neuron], constants[phase],
                                             sums.lane[place]);
                            potentials[g][lane] = potential;
                            const int before = phase == 0 ? L::phases : int(codes.lane[place]);
                            const int step = phase - L::wait;
                            int code = before;
                            if (before == L::phases && phase == L::phases - 1) {
                                const int settled = first_phase<L>(potential, ladder[g][neuron]);
                                code = settled < first_left ? first_left : settled;
                            } else if (before == L::phases && step >= 0) {
                                if (potential >= typename L::Potential(ladder[g][neuron][step])) code = step;
                            }
                            codes.lane[place] = code;
                        }
                    }
                    if (phase == L::phases - 1 && lane == L::period - 1) out.write(codes);
                }
            }
        }
    }
}

/// Neurons that never fire: their potentials leave, one a clock with the last class.
template <class L>
void read_out(int engine, hls::stream<typename L::Sums>& in, const Rom<L::constant_bits> constants[L::classes],
              const Rom<L::potential_bits> bias[1][L::passes * L::group_lanes],
              hls::stream<typename L::Potential>& out) {
    ONESPIKE_PROCESS(L::stage);
    typename L::Potential potentials[L::group_lanes];
#pragma HLS DEPENDENCE variable=potentials type=inter direction=RAW distance=6 dependent=true
    typename L::Sums sums;
#pragma HLS ARRAY_PARTITION variable=sums.lane complete
    for (int window = engine; window < L::windows; window += L::engines) {
        for (int pass = 0; pass < L::passes; ++pass) {
            for (int drain_class = 0; drain_class < L::classes; ++drain_class) {
                for (int lane = 0; lane < L::period; ++lane) {
#pragma HLS PIPELINE II=1
                    ONESPIKE_ITERATION;
                    if (lane == 0) sums = in.read();
                    if (lane < L::group_lanes) {
                        const typename L::Potential potential =
                            integrate<L>(drain_class, potentials[lane], bias[0][pass * L::group_lanes + lane],
                                         constants[drain_class], sums.lane[lane]);
                        potentials[lane] = potential;
                        if (drain_class == L::classes - 1) out.write(potential);
                    }
                }
            }
        }
    }
}

/// Puts the codes of the engines, which take the windows in turn, back in order, as words of L::out_n codes.
template <class L>
void merge_codes(hls::stream<typename L::Codes> engines[L::engines], hls::stream<typename L::OutWord>& out) {
    ONESPIKE_PROCESS(L::stage);
    typename L::Codes codes;
#pragma HLS ARRAY_PARTITION variable=codes.lane complete
    int turn = 0;
    for (int window = 0; window < L::windows; ++window) {
        for (int pass = 0; pass < L::passes; ++pass) {
            for (int i = 0; i < L::lanes / L::out_n; ++i) {
#pragma HLS PIPELINE II=1
                ONESPIKE_ITERATION;
                if (i == 0) {
                    for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
                        if (e == turn) codes = engines[e].read();
                    }
                }
                typename L::OutWord word;
                for (int n = 0; n < L::out_n; ++n) {
#pragma HLS UNROLL
                    word.lane[n] = codes.lane[i * L::out_n + n];
                }
                out.write(word);
                if (pass == L::passes - 1 && i == L::lanes / L::out_n - 1) turn = turn == L::engines - 1 ? 0 : turn + 1;
            }
        }
    }
}

/// Puts the potentials of the engines back in order, as beats of L::logit_bits bits; last marks the end of an image.
template <class L>
void merge_logits(hls::stream<typename L::Potential> engines[L::engines], hls::stream<Beat<L::logit_bits> >& out) {
    ONESPIKE_PROCESS(L::stage);
    int turn = 0;
    for (int window = 0; window < L::windows; ++window) {
        for (int i = 0; i < L::passes * L::lanes; ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            ap_int<L::logit_bits> logit = 0;
            for (int e = 0; e < L::engines; ++e) {
#pragma HLS UNROLL
                if (e == turn) logit = engines[e].read();
            }
            const bool last = i == L::passes * L::lanes - 1;
            out.write(make_beat<L::logit_bits>(logit, last && window == L::windows - 1));
            if (last) turn = turn == L::engines - 1 ? 0 : turn + 1;
        }
    }
}

}  // namespace onespike
