#include "formats/gguf/gguf_form.h"

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "quant/ggml/dequantize.h"

namespace lq {
namespace {

class GgmlForm final : public StoredForm {
 public:
  // cols: elements of a row.
  GgmlForm(ggml::GgmlType type, std::int64_t cols, const GgufChange& change)
      : type_(type), cols_(cols), head_dim_(change.head_dim), added_(change.added) {}

  std::string_view name() const override { return ggml::type_info(type_).name; }

  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override {
    decode(data, begin, count, out);
    if (added_ == 0.0F) return;
    for (std::int64_t i = 0; i < count; ++i) out[i] -= added_;
  }

 private:
  void decode(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const {
    if (head_dim_ == 0) {
      ggml::dequantize(type_, data, begin, count, out);
      return;
    }
    const std::int64_t end = begin + count;
    while (begin < end) {
      const std::int64_t row = begin / cols_;
      const std::int64_t col = begin % cols_;
      const std::int64_t n = std::min(cols_ - col, end - begin);
      ggml::dequantize(type_, data, stored_row(row) * cols_ + col, n, out);
      begin += n;
      out += n;
    }
  }

  std::int64_t stored_row(std::int64_t row) const {
    const std::int64_t half = head_dim_ / 2;
    const std::int64_t in_head = row % head_dim_;
    return row - in_head + 2 * (in_head % half) + in_head / half;
  }

  ggml::GgmlType type_;
  std::int64_t cols_;
  std::int64_t head_dim_;
  float added_;
};

}  // namespace

std::int64_t gguf_row_of_stored(std::int64_t stored, std::int64_t head_dim) {
  const std::int64_t in_head = stored % head_dim;
  return stored - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

TensorView gguf_view(const GgufFile::Tensor& tensor, std::string name, const GgufChange& change,
                     const std::string& who) {
  const GgufTensor& entry = *tensor.entry;
  const ggml::GgmlTypeInfo& info = ggml::type_info(entry.type);
  const std::int64_t head_dim = change.head_dim;
  LQ_CHECK(head_dim == 0 || (head_dim % 2 == 0 && entry.shape.front() % head_dim == 0), kCorruptFile,
           "{}: {} has {} rows, which are no whole heads of {}", who, printable(entry.name),
           entry.shape.front(), head_dim);
  const bool plain = info.as && change.added == 0.0F;
  TensorView view;
  view.spec = {std::move(name), plain ? *info.as : DType::kF32, entry.shape};
  view.data = tensor.data;
  view.bytes = entry.bytes;
  view.mapped = true;
  if (!plain || head_dim != 0) {
    const std::int64_t cols = entry.shape.size() == 1 ? 1 : entry.shape.back();
    view.form = std::make_shared<const GgmlForm>(entry.type, cols, change);
  }
  return view;
}

TensorView gguf_matrix_of_stack(const GgufFile::Tensor& stack, std::int64_t index, std::string name,
                                const std::string& who) {
  TensorView view = gguf_view(stack, std::move(name), {}, who);
  const Shape& shape = stack.entry->shape;
  view.spec.shape = {shape[1], shape[2]};
  view.bytes /= static_cast<std::size_t>(shape[0]);  // rows are whole blocks
  view.data += static_cast<std::size_t>(index) * view.bytes;
  return view;
}

}  // namespace lq
