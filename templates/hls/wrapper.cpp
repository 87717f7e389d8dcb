// The C model behind plain C functions, for other languages. Compiled with ONESPIKE_MODEL.

#include <algorithm>
#include <iostream>
#include <sstream>

#include "onespike_top.cpp"

#include "images.h"

namespace onespike {
thread_local long long* busiest = nullptr;
thread_local unsigned char* recorded = nullptr;
}  // namespace onespike

/// Runs images, one behind the other through the same streams.
///
/// values      of all images, pixel by pixel, channel by channel
/// logits      room for onespike_image::logits an image
/// codes       room for onespike_image::codes an image: of each stream of codes, pixel by pixel, channel by channel
/// iterations  room for onespike_image::stages an image: iterations of the busiest process of each stage
/// Returns 0; 1 where last is not with the last logit; 2 where a stream was read while empty, or not to its end.
extern "C" int onespike_run(const long long* values, long long images, long long* logits, unsigned char* codes,
                            long long* iterations) {
    std::ostringstream complaints;  // hls::stream writes them to std::cout
    std::streambuf* const usual = std::cout.rdbuf(complaints.rdbuf());
    bool marked = true;
    {
        hls::stream<onespike_pixels> pixel_stream("pixels");
        hls::stream<onespike_logits> logit_stream("logits");
        for (long long image = 0; image < images; ++image)
            send_image(values + image * onespike_image::values, pixel_stream);
        std::fill(iterations, iterations + images * onespike_image::stages, 0);
        onespike::recorded = codes;
        for (long long image = 0; image < images; ++image) {
            onespike::busiest = iterations + image * onespike_image::stages;
            onespike_top(pixel_stream, logit_stream);
            marked = take_logits(logit_stream, logits + image * onespike_image::logits) && marked;
        }
    }
    std::cout.rdbuf(usual);
    return !complaints.str().empty() ? 2 : marked ? 0 : 1;
}
