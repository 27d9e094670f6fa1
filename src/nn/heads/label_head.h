// A head over whole sequences: classes or a number from the vector of the first token.
//   y = classifier( act( dense( x[first token] ) ) )
// BERT: dense is the pooler, act tanh. RoBERTa: the head's own dense, tanh. DistilBERT: pre_classifier, relu.
#pragma once

#include <cstdint>
#include <span>

#include "nn/linear.h"
#include "tensor/matrix.h"
#include "tensor/workspace.h"

namespace lq {

enum class HeadActivation { kTanh, kRelu };

class LabelHead {
 public:
  LabelHead(Linear dense, HeadActivation activation, Linear classifier, bool regression)
      : dense_(std::move(dense)),
        activation_(activation),
        classifier_(std::move(classifier)),
        regression_(regression) {}

  Linear& dense() { return dense_; }
  Linear& classifier() { return classifier_; }
  // Columns of the outputs: classes, or 1.
  std::int64_t outputs() const { return classifier_.out(); }
  bool regression() const { return regression_; }

  // outputs = of each sequence.   x: [tokens, dim], starts: of the sequences, ends with the number of tokens;
  // outputs: [sequences, outputs()].
  void forward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int64_t> starts,
               Matrix outputs) const;

  // losses[s]: cross-entropy in nats of the class labels[s], or for a regression (output - labels[s])^2.
  // outputs as in forward. Throws Error(kInvalidArgument) for a label that is no class.
  void loss(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int64_t> starts,
            std::span<const float> labels, std::span<float> losses, Matrix outputs) const;

  // The same without outputs, and dx = scale * d(sum of losses)/dx; gradients of both linears += where they
  // learn. dx: [tokens, dim], 0 but for first tokens.
  void loss_backward(Context& ctx, Workspace& ws, ConstMatrix x, std::span<const std::int64_t> starts,
                     std::span<const float> labels, float scale, std::span<float> losses, Matrix dx);

 private:
  void pool(Context& ctx, Workspace& ws, ConstMatrix first, Matrix pooled) const;

  Linear dense_;
  HeadActivation activation_;
  Linear classifier_;
  bool regression_;
};

}  // namespace lq
