#include "formats/gguf/gguf_form.h"

#include <algorithm>

#include "base/error.h"
#include "base/printable.h"
#include "quant/ggml/dequantize.h"

namespace lq {
namespace {

class GgmlForm final : public StoredForm {
 public:
  // head_dim: as gguf_view has it. cols: elements of a row.
  GgmlForm(ggml::GgmlType type, std::int64_t cols, std::int64_t head_dim)
      : type_(type), cols_(cols), head_dim_(head_dim) {}

  std::string_view name() const override { return ggml::type_info(type_).name; }

  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override {
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

 private:
  std::int64_t stored_row(std::int64_t row) const {
    const std::int64_t half = head_dim_ / 2;
    const std::int64_t in_head = row % head_dim_;
    return row - in_head + 2 * (in_head % half) + in_head / half;
  }

  ggml::GgmlType type_;
  std::int64_t cols_;
  std::int64_t head_dim_;
};

}  // namespace

std::int64_t gguf_row_of_stored(std::int64_t stored, std::int64_t head_dim) {
  const std::int64_t in_head = stored % head_dim;
  return stored - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

TensorView gguf_view(const GgufFile::Tensor& tensor, std::string name, std::int64_t head_dim,
                     const std::string& who) {
  const GgufTensor& entry = *tensor.entry;
  const ggml::GgmlTypeInfo& info = ggml::type_info(entry.type);
  LQ_CHECK(head_dim == 0 || (head_dim % 2 == 0 && entry.shape.front() % head_dim == 0), kCorruptFile,
           "{}: {} has {} rows, which are no whole heads of {}", who, printable(entry.name),
           entry.shape.front(), head_dim);
  TensorView view;
  view.spec = {std::move(name), info.as.value_or(DType::kF32), entry.shape};
  view.data = tensor.data;
  view.bytes = entry.bytes;
  view.mapped = true;
  if (!info.as || head_dim != 0) {
    const std::int64_t cols = entry.shape.size() == 1 ? 1 : entry.shape.back();
    view.form = std::make_shared<const GgmlForm>(entry.type, cols, head_dim);
  }
  return view;
}

}  // namespace lq
