#pragma once
// A convolution over a graph: all nodes first, then all edges.
//
//     sums of the engines -> add_edges -> rows -> fire_rows, or read_rows
//
// add_edges keeps what each node sends, and then walks the list of edges, an edge a clock, all channels at once.

#include "onespike/model.h"
#include "onespike/neurons.h"
#include "onespike/words.h"

/// A memory too large for a stack.
#ifdef ONESPIKE_MODEL
#define ONESPIKE_MEMORY static thread_local
#else
#define ONESPIKE_MEMORY static
#endif

namespace onespike {

/// What a node sends of one channel: (scale * Z + half) >> shift.
template <class G>
ap_int<G::sent_bits> to_send(ap_int<G::z_bits> z, ap_int<G::source_scale_bits> scale) {
#pragma HLS INLINE
    ap_int<G::scaled_bits> scaled = z * scale;
    if (G::shift > 0) scaled += ap_int<G::scaled_bits>(1) << (G::shift > 0 ? G::shift - 1 : 0);
    return scaled >> G::shift;
}

/// Sums of nodes to sums of rows. sent: what each node sends, in a memory of the caller.
///
/// An edge is {weight, last of its row, none, node that sends}; G::weight_bits = 0: every edge counts once. A node into
/// which no edge goes has one entry that brings nothing.
template <class G>
void add_edges(hls::stream<typename G::Sums> engines[G::engines], const Rom<G::constant_bits> constants[G::classes],
               const Rom<G::source_scale_bits> scales[G::nodes], const Rom<G::entry_bits> edges[G::entries],
               typename G::Sent sent[G::nodes], hls::stream<typename G::Row>& rows) {
    {
        ONESPIKE_PROCESS(G::nodes_stage);
        Pack<ap_int<G::z_bits>, G::lanes> z;
#pragma HLS ARRAY_PARTITION variable=z.lane complete
        int turn = 0;
        for (int node = 0; node < G::nodes; ++node) {
            for (int pass = 0; pass < G::passes; ++pass) {
                for (int drain_class = 0; drain_class < G::classes; ++drain_class) {
#pragma HLS PIPELINE II=1
                    ONESPIKE_ITERATION;
                    typename G::Sums sums;
                    for (int e = 0; e < G::engines; ++e) {
#pragma HLS UNROLL
                        if (e == turn) sums = engines[e].read();
                    }
                    for (int lane = 0; lane < G::lanes; ++lane) {
#pragma HLS UNROLL
                        const ap_int<G::z_bits> before = drain_class == 0 ? ap_int<G::z_bits>(0) : z.lane[lane];
                        z.lane[lane] = before + ap_int<G::constant_bits>(constants[drain_class]) * sums.lane[lane];
                        if (drain_class == G::classes - 1)
                            sent[node].lane[pass * G::lanes + lane] = to_send<G>(z.lane[lane], scales[node]);
                    }
                }
            }
            turn = turn == G::engines - 1 ? 0 : turn + 1;
        }
    }
    ONESPIKE_PROCESS(G::stage);
    typename G::Row row = filled<typename G::Row>(0);
#pragma HLS ARRAY_PARTITION variable=row.lane complete
    for (int i = 0; i < G::entries; ++i) {
#pragma HLS PIPELINE II=1
        ONESPIKE_ITERATION;
        const ap_int<G::entry_bits> edge = edges[i];
        const int node = edge.range(G::node_bits - 1, 0).to_int();
        const bool none = edge[G::node_bits];
        const bool last = edge[G::node_bits + 1];
        const ap_int<G::weight_bits> weight = G::weighted ? edge >> (G::node_bits + 2) : ap_int<G::entry_bits>(1);
        for (int channel = 0; channel < G::channels; ++channel) {
#pragma HLS UNROLL
            if (!none) row.lane[channel] += weight * sent[node].lane[channel];
        }
        if (last) {
            rows.write(row);
            row = filled<typename G::Row>(0);
        }
    }
}

/// The potential of a node: bias + scale * sum.
template <class G>
typename G::Potential potential_of(ap_int<G::row_bits> sum, ap_int<G::target_scale_bits> scale,
                                   Rom<G::potential_bits> bias) {
#pragma HLS INLINE
    return typename G::Potential(bias) + sum * scale;
}

/// Neurons that fire, G::out_n at once.
template <class G>
void fire_rows(hls::stream<typename G::Row>& rows, const Rom<G::target_scale_bits> scales[G::nodes],
               const Rom<G::potential_bits> bias[G::channels],
               const Rom<G::potential_bits> ladder[G::channels][G::phases],
               hls::stream<typename G::OutWord>& out) {
    ONESPIKE_PROCESS(G::stage);
#pragma HLS ARRAY_PARTITION variable=bias complete
#pragma HLS ARRAY_PARTITION variable=ladder complete
    typename G::Row row;
#pragma HLS ARRAY_PARTITION variable=row.lane complete
    for (int node = 0; node < G::nodes; ++node) {
        for (int i = 0; i < G::channels / G::out_n; ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            if (i == 0) row = rows.read();
            typename G::OutWord word;
            for (int n = 0; n < G::out_n; ++n) {
#pragma HLS UNROLL
                const int channel = i * G::out_n + n;
                const typename G::Potential potential = potential_of<G>(row.lane[channel], scales[node], bias[channel]);
                word.lane[n] = first_phase<G>(potential, ladder[channel]);
            }
            out.write(word);
        }
    }
}

/// Neurons that never fire: their potentials leave, one a clock; last marks the end of a graph.
template <class G>
void read_rows(hls::stream<typename G::Row>& rows, const Rom<G::target_scale_bits> scales[G::nodes],
               const Rom<G::potential_bits> bias[G::channels], hls::stream<Beat<G::logit_bits> >& out) {
    ONESPIKE_PROCESS(G::stage);
    typename G::Row row;
#pragma HLS ARRAY_PARTITION variable=row.lane complete
    for (int node = 0; node < G::nodes; ++node) {
        for (int channel = 0; channel < G::channels; ++channel) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            if (channel == 0) row = rows.read();
            const ap_int<G::logit_bits> logit = potential_of<G>(row.lane[channel], scales[node], bias[channel]);
            out.write(make_beat<G::logit_bits>(logit, node == G::nodes - 1 && channel == G::channels - 1));
        }
    }
}

}  // namespace onespike
