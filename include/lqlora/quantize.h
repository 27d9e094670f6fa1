// Quantization: of one matrix, W ~ Q + L1 L2, with a quantizer of this library or of one's own; and of a
// whole model into a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lqlora/checkpoint.h"
#include "lqlora/context.h"

namespace lqlora {

// How matrices become few bits, as far as a decomposition needs to know. Derive from it to try one of your
// own.
class Quantizer {
 public:
  virtual ~Quantizer() = default;
  // q = the matrix that comes back when w is quantized and dequantized. w, q: [rows, cols] row by row; the
  // same array, or apart. A pure function of w: alternation compares errors of its results. May be called
  // from one thread at a time; w is finite, and q must be, and at most 1e15 (else decompose() throws
  // Error(kInvalidArgument) naming the quantizer).
  virtual void round_trip(std::span<const float> w, std::int64_t rows, std::int64_t cols,
                          std::span<float> q) const = 0;
  virtual double bits_per_weight() const = 0;
  virtual std::string name() const = 0;  // for messages

  struct Impl;  // of the library's own
  virtual const Impl* impl() const { return nullptr; }
};

// One of this library by the words of `lqlora quantize --config`: "3,8,fp32,64,256" (NormalFloat codes of 3
// bits, two levels of scales), "int-row,4". Its round_trip() refuses what decompose() refuses. Throws
// Error(kInvalidArgument) naming the word and the choices.
std::unique_ptr<Quantizer> make_quantizer(std::string_view config);

struct DecomposeOptions {
  std::string method = "lq";  // "lq", "loftq", "lorc", "qlora"
  std::int64_t rank = 64;     // of L1 L2; at most min(rows, cols)
  int max_iterations = 0;     // 0: the method's own
};

struct Decomposition {
  std::vector<float> q;       // [rows, cols]
  std::vector<float> l1;      // [rows, rank]; empty at rank 0 and by qlora
  std::vector<float> l2;      // [rank, cols]
  double relative_error = 0;  // ||W - Q - L1 L2||_F / ||W||_F
  std::int64_t iterations = 0;
};

// w: [rows, cols], row by row. The same bits on any number of threads. Throws Error(kInvalidArgument) for a
// NaN or infinity (its place named), a largest magnitude below 1e-15 or above 1e15 (matrices of zeros are
// fine), a size that is not rows * cols, a rank that is too large, a method that is none.
Decomposition decompose(Context& context, std::span<const float> w, std::int64_t rows, std::int64_t cols,
                        const Quantizer& quantizer, const DecomposeOptions& options = {});

struct QuantizedMatrix {
  std::string name;
  std::int64_t rows = 0, cols = 0;
  std::string config;  // as make_quantizer reads it
  std::int64_t rank = 0;
  double relative_error = 0;
};

struct QuantizeReport {
  std::vector<QuantizedMatrix> matrices;
  double bits_per_weight = 0;  // of the packed matrices, codes and scales
  double bits_per_weight_with_low_rank = 0;
  double relative_error = 0;  // of all matrices as one vector
  double seconds = 0;
  bool already_done = false;  // `out` held the finished job: nothing was computed
};

// As the flags of `lqlora quantize` of these names, with _ for -; `formats` is --format. What is empty or 0
// is chosen as there.
struct QuantizeOptions {
  // Every matrix alike: as make_quantizer reads it. Empty, and no budget: NormalFloat codes of 4 bits.
  std::string config = {};
  // A budget in place of it, each matrix by an integer programme: bits a weight on average, or bytes in which
  // the low-rank part can be fine-tuned. It chooses among `formats`, such as "lm" or "nf,int-row".
  double bits = 0;
  std::int64_t memory = 0;
  std::string formats = {};
  std::string method = "lq";         // also "loftq", "lorc", "qlora", "gptq"
  std::int64_t rank = 64;            // of the low-rank part; 0: none
  std::string importance = {};       // what an error counts: "none", "fisher", "input", "kfac"
  std::filesystem::path data = {};   // text to calibrate on, where importance is not "none"
  std::filesystem::path stats = {};  // or statistics that `lqlora calibrate` made
  std::int64_t self = 0;             // or so many sequences that the model samples itself; 0: none
  std::int64_t samples = 256;        // windows of text, at most
  std::int64_t seq_len = 0;          // tokens of a window
  std::vector<std::string> include = {}, exclude = {};  // globs over names of tensors
  bool overwrite = false;  // discard what another job of this library left in the folder
};

// What `lqlora quantize MODEL -o OUT` does. A call that was stopped or killed goes on where it was when it is
// made again. Throws Error(kInvalidArgument) naming the option or what differs where `out` holds another job,
// Error(kIo) where another process works on it.
QuantizeReport quantize(Context& context, const Checkpoint& model, const std::filesystem::path& out,
                        const QuantizeOptions& options = {});

}  // namespace lqlora
