#pragma once
// From pixels to windows.

#include "onespike/model.h"
#include "onespike/words.h"

namespace onespike {

/// Rows of the image that must be there before row y of the windows can leave; all of them behind the last one.
template <class B>
int rows_needed(int y) {
#pragma HLS INLINE
    if (y == B::rows_out) return B::height;
    const int needed = y * B::stride_h - B::padding_h + B::kernel_h;
    return needed < B::height ? needed : B::height;
}

/// Keeps the last rows of an image and reads them out window by window, padding included.
///
/// In:  the words of an image, row by row, pixel by pixel, B::words a pixel.
/// Out: for each window, row by row: for each word of a pixel, B::kernel_w columns of B::kernel_h rows.
///      A place outside the image gives B::fill in all lanes.
template <class B, class Word>
void line_buffer(hls::stream<Word>& in, hls::stream<Word>& out) {
    ONESPIKE_PROCESS(B::stage);
    const int line_words = B::width * B::words;
    const int row_words = B::columns * B::words * B::kernel_w * B::kernel_h;
    Word lines[1 << B::line_bits][line_words];
    // Words that leave lie in rows that were complete before.
#pragma HLS DEPENDENCE variable=lines type=inter dependent=false
    int rows = 0;
    // While the windows of row y leave, the rows that the next ones need come in.
    for (int y = -1; y < B::rows_out; ++y) {
        const int needed = rows_needed<B>(y + 1);
        const int loads = needed > rows ? (needed - rows) * line_words : 0;
        const int sends = y < 0 ? 0 : row_words;
        int line = rows, place = 0;
        int left = -B::padding_w, word = 0, kx = 0, ky = 0;
        for (int i = 0; i < (loads > sends ? loads : sends); ++i) {
#pragma HLS PIPELINE II=1
            ONESPIKE_ITERATION;
            if (i < loads) {
                lines[ap_uint<B::line_bits>(line)][place] = in.read();
                if (++place == line_words) {
                    place = 0;
                    ++line;
                }
            }
            if (i < sends) {
                const int row = y * B::stride_h - B::padding_h + ky;
                const int column = left + kx;
                const bool inside = row >= 0 && row < B::height && column >= 0 && column < B::width;
                const int address = inside ? column * B::words + word : 0;
                const Word stored = lines[ap_uint<B::line_bits>(row)][address];
                out.write(inside ? stored : filled<Word>(B::fill));
                if (++ky == B::kernel_h) {
                    ky = 0;
                    if (++kx == B::kernel_w) {
                        kx = 0;
                        if (++word == B::words) {
                            word = 0;
                            left += B::stride_w;
                        }
                    }
                }
            }
        }
        rows = needed > rows ? needed : rows;
    }
}

}  // namespace onespike
