#include "quant/ggml/ggml_form.h"

#include <map>

#include "base/error.h"
#include "quant/ggml/block_kind.h"
#include "quant/ggml/dequantize.h"

namespace lq::ggml {
namespace {

class BlockForm final : public StoredForm {
 public:
  explicit BlockForm(GgmlType type) : type_(type) {}
  std::string_view name() const override { return type_info(type_).name; }
  void to_f32(const std::byte* data, std::int64_t begin, std::int64_t count, float* out) const override {
    dequantize(type_, data, begin, count, out);
  }

 private:
  GgmlType type_;
};

}  // namespace

const StoredForm& stored_form(GgmlType type) {
  static const std::map<GgmlType, BlockForm> kForms = [] {
    std::map<GgmlType, BlockForm> forms;
    for (const BlockKind& kind : block_kinds()) forms.emplace(kind.type, kind.type);
    return forms;
  }();
  const auto at = kForms.find(type);
  LQ_CHECK(at != kForms.end(), kInternal, "[ggml] {} is not encoded", type_info(type).name);
  return at->second;
}

}  // namespace lq::ggml
