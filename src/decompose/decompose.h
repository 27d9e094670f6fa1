// One matrix at one choice of quantization: W ~ Q + L1 L2 (LQ-LoRA, arXiv 2311.12023, section 3.1;
// docs/method.md, "Q and L1 L2 together").
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "decompose/importance.h"
#include "decompose/methods.h"
#include "quant/quantizer.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

namespace lq {

struct DecomposeOptions {
  DecomposeMethod method = DecomposeMethod::kLq;
  std::int64_t rank = 64;
  int max_iterations = 0;  // 0: the method's own (methods.h); only methods that alternate ask it
  // lq stops when the error falls by less than this share of itself in an iteration, over a few iterations.
  // 0: never.
  double tolerance = 1e-3;
  // lq steps this much further than the SVD says: L <- L + (1 + relaxation) (SVD(W - Q) - L), in the new
  // subspace. Small changes of L flip no codes, so plain alternation (0, the paper) crawls and stops early.
  // The step is shortened by itself where the error rises.
  double relaxation = 1.2;
  // lq stops as soon as the relative (weighted) error is this small. 0: never.
  double target_error = 0.0;
  std::int64_t oversampling = 10;
  // What L1 and L2 will be stored as: kF32, or kBf16 (they are rounded to it before errors are measured).
  DType factors = DType::kF32;
  std::uint64_t stream = 0;                // of the random start of the first SVD
  const Importance* importance = nullptr;  // borrowed; null: every error matters the same
  // Only errors are asked: a device then packs nothing, and pack_decomposition() is not called.
  bool errors_only = false;
};

// Everything that changes the result, for the identity of a job (stream, importance and errors_only left
// out).
nlohmann::json decompose_options_to_json(const DecomposeOptions& options);

struct Decomposition {
  Tensor l1;  // [rows, rank] f32; empty at rank 0
  Tensor l2;  // [rank, cols] f32
  // Q = quantize(W - target_l1 target_l2); both empty where the target is W itself. Not l1, l2: those are
  // refitted to Q.
  Tensor target_l1;
  Tensor target_l2;
  double relative_error = 0.0;           // ||W - Q - L1 L2||_F / ||W||_F; 0 for W = 0
  double relative_weighted_error = 0.0;  // the same in the importance's norm
  double squared_norm = 0.0;             // ||W||_F^2
  double squared_weighted_norm = 0.0;    // the same in the importance's norm
  // False where a quantizer with Feedback::kOn did better beside low-rank factors without it: Q is then
  // rounded to nearest.
  bool feedback = true;
  PackedMatrix packed;  // Q, where its quantizer has a draft() or a device computed it; else empty
  std::int64_t iterations = 0;
  std::vector<double> trace;  // relative (weighted) error after each iteration
};

// Best rank-r factors beside a quantized matrix, by options.method, in options.importance's norm. Errors are
// measured on the f32 factors returned, in double. kQlora, kGptq and rank 0 return no factors. A quantizer
// with Feedback::kOn (any method but kGptq) chooses codes for that norm, not for the plain one: the
// importance must have right(); beside low-rank factors both ways are tried, and the better one is kept. w:
// [rows, cols] f32, finite. Throws Error(kInvalidArgument) when rank > min(rows, cols), or where method,
// feedback and importance do not go together; Error(kInterrupted). Memory: one array of w's size, two with a
// full importance, two more with feedback on both sides. The same bits on any number of threads.
// On a context of a device (device_alternation.h) what has the matrix's size is computed there where there
// are factors; codes that it cannot choose, and packing, are the processor's. Its results are not the
// processor's bit for bit (docs/cuda.md, "Numbers").
Decomposition decompose(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                        const Quantizer& quantizer, const DecomposeOptions& options);

// out[rows, cols] = W - target_l1 target_l2, with the same bits that decompose() quantized where `packed` is
// empty: the caller packs it, with the importance's error_weights() where there is one. out == w is allowed.
void decomposition_target(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                          const Decomposition& decomposition, float* out);

// The packed Q of a decomposition: what pipelines store. Its values are bit for bit those that the errors in
// `decomposition` were measured with. w and options as given to decompose(). Memory: one array of w's size.
PackedMatrix pack_decomposition(Context& context, const float* w, std::int64_t rows, std::int64_t cols,
                                const Decomposition& decomposition, const Quantizer& quantizer,
                                const DecomposeOptions& options);

}  // namespace lq
