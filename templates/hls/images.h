#pragma once
// Images in and out of the top function, value by value: for the test bench and for the C model.

#include "onespike_top.h"

/// Sends an image: its values pixel by pixel, channel by channel.
template <class Value>
void send_image(const Value* values, hls::stream<onespike_pixels>& pixels) {
    for (int sent = 0; sent < onespike_image::values; sent += onespike_input::n) {
        ap_uint<onespike_input::beat_bits> data = 0;
        for (int i = 0; i < onespike_input::n; ++i) {
            const ap_uint<onespike_input::field_bits> field = values[sent + i];
            data.range((i + 1) * onespike_input::field_bits - 1, i * onespike_input::field_bits) = field;
        }
        const bool last = sent + onespike_input::n == onespike_image::values;
        pixels.write(onespike::make_beat<onespike_input::beat_bits>(data, last));
    }
}

/// Takes the logits of an image; false where there are too few, or last marks another one than the last.
template <class Value>
bool take_logits(hls::stream<onespike_logits>& logits, Value* values) {
    for (int i = 0; i < onespike_image::logits; ++i) {
        if (logits.empty()) return false;
        const onespike_logits beat = logits.read();
        const ap_int<onespike_image::logit_bits> logit = beat.data;
        values[i] = logit.to_int64();
        if (bool(beat.last) != (i + 1 == onespike_image::logits)) return false;
    }
    return true;
}
