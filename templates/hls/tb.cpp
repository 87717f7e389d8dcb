// Plays the golden vectors through the top function, image behind image, and compares every logit.
//
// pixels.dat and logits.dat lie where the program runs, or in the folder of its first argument: one integer a line.
// Returns 0 where all logits are equal.

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "images.h"

static std::vector<long long> read_numbers(const std::string& path) {
    std::ifstream file(path.c_str());
    std::vector<long long> numbers;
    for (long long number; file >> number;) numbers.push_back(number);
    return numbers;
}

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? std::string(argv[1]) + "/" : "";
    const std::vector<long long> values = read_numbers(folder + "pixels.dat");
    const std::vector<long long> expected = read_numbers(folder + "logits.dat");
    const std::size_t images = values.size() / onespike_image::values;
    const bool whole = values.size() == images * onespike_image::values;
    if (images == 0 || !whole || expected.size() != images * onespike_image::logits) {
        std::cerr << "pixels.dat and logits.dat hold no golden vectors of this network" << std::endl;
        return 1;
    }

    hls::stream<onespike_pixels> pixels("pixels");
    hls::stream<onespike_logits> logits("logits");
    for (std::size_t image = 0; image < images; ++image) send_image(&values[image * onespike_image::values], pixels);
    for (std::size_t image = 0; image < images; ++image) onespike_top(pixels, logits);

    int wrong = 0;
    std::vector<long long> got(onespike_image::logits);
    for (std::size_t image = 0; image < images; ++image) {
        if (!take_logits(logits, got.data())) {
            std::cerr << "image " << image << ": too few logits, or last in the wrong place" << std::endl;
            return 1;
        }
        for (int i = 0; i < onespike_image::logits; ++i) {
            const long long want = expected[image * onespike_image::logits + i];
            if (got[i] == want) continue;
            ++wrong;
            std::cerr << "image " << image << ", logit " << i << ": expected " << want << ", got " << got[i] << "\n";
        }
    }
    std::cout << images << " images, " << wrong << " wrong logits" << std::endl;
    return wrong == 0 ? 0 : 1;
}
