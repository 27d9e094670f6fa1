// The tensors of any model that this program reads (dense, packed by us, GGUF), with what an adapter makes of
// them, in the order of a GGUF file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "export/dense_parts.h"
#include "export/gguf_architecture.h"
#include "formats/checkpoint.h"
#include "formats/gguf/gguf_rows.h"
#include "tensor/context.h"

namespace lq {

struct GgufTypes {
  // Of matrices; unset: what each was before it was packed, and ggml's own blocks as they are where nothing
  // is merged into them. Rows that are no whole blocks become F16.
  std::optional<ggml::GgmlType> matrices = {};
  std::optional<ggml::GgmlType> tables = {};  // of embedding and head; unset: as `matrices`
};

// A dense model as a packed one without packed matrices; a packed model as it is.
PackedCheckpoint packed_or_dense(Context& context, const CheckpointPtr& model);

class GgufSource {
 public:
  // adapter: merged; null: none. Both outlive it. Throws what GgufArchitecture throws; Error(kNotFound) or
  // Error(kMismatch) where the tensors are not those of config.json.
  GgufSource(const PackedCheckpoint& model, const PeftAdapterReader* adapter, const GgufTypes& types);

  const GgufArchitecture& architecture() const { return architecture_; }
  // Every tensor, its type chosen.
  const std::vector<GgufRows>& tensors() const { return rows_; }
  ggml::GgmlType most_used() const;  // of the matrices in blocks, by weights
  // Tensors of the checkpoint that are none of the model's.
  const std::vector<std::string>& left_out() const { return left_out_; }

  struct Written {
    double squared_error = 0.0;  // of rounding to the type
    double squared_norm = 0.0;
    bool adapted = false, replaced = false;
  };
  // Writes tensors()[i].
  Written write(Context& context, std::size_t i, GgufWriter& writer) const;

 private:
  struct Entry {
    const DensePart* dense = nullptr;      // or
    const PackedModule* packed = nullptr;  // of the checkpoint's `name`
    const LoraPair* pair = nullptr;        // merged into the packed one
    bool blocks = false;                   // written as they are packed
    std::string name;
  };
  // Throws Error(kUnsupported) where the matrices of one tensor have different types.
  void check_stacks() const;
  void add(const GgufModelTensor& tensor, const PeftAdapterReader* adapter, const GgufTypes& types);
  ggml::GgmlType choose_type(Entry& entry, const GgufModelTensor& tensor, const GgufTypes& types) const;

  const PackedCheckpoint& model_;
  DenseParts dense_;
  GgufArchitecture architecture_;
  std::vector<Entry> entries_;
  std::vector<GgufRows> rows_;
  std::vector<GgufTable> tables_;
  std::vector<std::string> left_out_;
};

}  // namespace lq
