// A frozen weight in the form of its file (ggml's types of a GGUF file, MXFP4): decoded where a product needs
// it, never dense as a whole.
#pragma once

#include <utility>

#include "nn/weight.h"
#include "ops/packed_on_device.h"
#include "tensor/tensor_view.h"

namespace lq {

class StoredWeight final : public Weight {
 public:
  // REQUIRES: a matrix with a form; what the view points into outlives this.
  explicit StoredWeight(TensorView view) : view_(std::move(view)) {}

  std::int64_t rows() const override { return view_.shape()[0]; }
  std::int64_t cols() const override { return view_.shape()[1]; }
  std::int64_t bytes() const override { return static_cast<std::int64_t>(view_.bytes); }
  backends::PackedView view() const override {
    return {.layout = backends::PackedLayout::kStored,
            .rows = rows(),
            .cols = cols(),
            .stored = {.form = view_.form.get(), .data = view_.data}};
  }

  void to_device(Context& ctx) override { copy_to_device(ctx, view()); }  // refuses it by name

 private:
  TensorView view_;
};

}  // namespace lq
