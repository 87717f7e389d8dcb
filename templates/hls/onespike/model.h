#pragma once
// What the C model counts and records. Without ONESPIKE_MODEL, as in synthesis, nothing of this is there.
//
// ONESPIKE_PROCESS(stage)   at the head of a function that runs as a process of its own
// ONESPIKE_ITERATION        in the body of its II = 1 loops
// ONESPIKE_TAP(stream)      in the top function: records the codes that stand in a stream between two layers

#ifdef ONESPIKE_MODEL

namespace onespike {

/// Iterations of the busiest process of each stage since they were last set to zero. Processes run side by side,
/// so that the busiest one of all tells the clocks from image to image.
extern thread_local long long* busiest;
/// Where the next recorded code goes.
extern thread_local unsigned char* recorded;

class Iterations {
  public:
    explicit Iterations(int stage) : stage_(stage) {}
    ~Iterations() {
        if (count_ > busiest[stage_]) busiest[stage_] = count_;
    }
    void add() { ++count_; }

  private:
    int stage_;
    long long count_ = 0;
};

template <class Word>
void tap(hls::stream<Word>& stream) {
    const std::size_t words = stream.size();
    for (std::size_t i = 0; i < words; ++i) {
        const Word word = stream.read();
        for (const auto& code : word.lane) *recorded++ = static_cast<unsigned char>(code.to_uint());
        stream.write(word);
    }
}

}  // namespace onespike

#define ONESPIKE_PROCESS(stage) onespike::Iterations onespike_iterations(stage)
#define ONESPIKE_ITERATION onespike_iterations.add()
#define ONESPIKE_TAP(stream) onespike::tap(stream)

#else

#define ONESPIKE_PROCESS(stage)
#define ONESPIKE_ITERATION
#define ONESPIKE_TAP(stream)

#endif
