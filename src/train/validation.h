// The loss on examples that are not trained on.
#pragma once

#include <cstdint>
#include <span>

#include "data/encode_example.h"
#include "models/model.h"
#include "tensor/context.h"
#include "tensor/workspace.h"

namespace lq {

struct ValidationLoss {
  double loss = 0.0;        // nats a token that counts; of examples with labels: their mean loss
  std::int64_t tokens = 0;  // that count
};

// About batch_tokens tokens pass through the model together; the result does not depend on the threads.
// reference: the loss is the divergence from what it says (Model::divergences); null: it is the text's.
ValidationLoss validation_loss(Context& ctx, Workspace& ws, const Model& model,
                               std::span<const EncodedExample> examples, std::int64_t batch_tokens,
                               const Model* reference = nullptr);

}  // namespace lq
