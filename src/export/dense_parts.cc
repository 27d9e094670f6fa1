#include "export/dense_parts.h"

#include <algorithm>

#include "export/merge.h"
#include "export/packed_adapter.h"
#include "formats/module_name.h"

namespace lq {
namespace {

// What embedding and head of a model that has them as one become.
struct TiedPair {
  ModelEnds ends;
  const TensorView* table = nullptr;  // in place of the model's; null: the model's
  const TensorView* head = nullptr;
  bool apart = false;

  void copy(const TensorView& view) {
    (view.name() == ends.head ? head : table) = &view;
    apart = true;
  }
  void in_place(const TensorView& view) {
    if (!apart || view.name() == ends.head) head = &view;
    if (!apart || view.name() == ends.table) table = &view;
  }
  bool same() const {
    return table != nullptr && head != nullptr && table->dtype() == head->dtype() &&
           table->bytes == head->bytes && std::equal(table->data, table->data + table->bytes, head->data);
  }
};

TiedPair tied_pair(const ModelEnds& ends, const PeftAdapterReader& adapter) {
  TiedPair pair;
  pair.ends = ends;
  for (const bool in_place : {false, true}) {
    for (const TensorView& view : adapter.replaced()) {
      if (view.name() != ends.table && view.name() != ends.head) continue;
      if (adapter.in_place(view.name()) != in_place) continue;
      in_place ? pair.in_place(view) : pair.copy(view);
    }
  }
  const bool low_rank = adapter.embedding() != nullptr || adapter.find(module_of(ends.head)) != nullptr;
  pair.apart = low_rank || (pair.apart && !pair.same());
  return pair;
}

void replace(DensePart& part, const TensorView* by) {
  if (by == nullptr) return;
  part.from = by;
  part.replaced = true;
  part.spec.dtype = weight_dtype(part.spec.dtype);
}

void merge(DensePart& part, const ModelEnds& ends, const PeftAdapterReader& adapter) {
  part.embedding = adapter.embedding() != nullptr && part.spec.name == ends.table;
  part.pair = part.embedding ? adapter.embedding() : adapter.find(module_of(part.spec.name));
  if (part.pair != nullptr) part.spec.dtype = weight_dtype(part.spec.dtype);
}

}  // namespace

Tensor DensePart::merged(Context& context) const {
  Tensor values = from->copy_f32(context.pool);
  if (pair == nullptr) return values;
  if (embedding) {
    merge_low_rank_of_embedding(context, *pair, values);
  } else {
    merge_low_rank(context, *pair, values);
  }
  return values;
}

DenseParts dense_parts(const PackedCheckpoint& packed, const PeftAdapterReader* merged) {
  DenseParts all;
  for (const TensorView* view : packed.dense_tensors()) all.parts.push_back({view->spec, view});
  if (merged == nullptr) return all;
  const ModelEnds ends = model_ends(packed);
  const bool tied = ends.tied;
  const TiedPair pair = tied ? tied_pair(ends, *merged) : TiedPair();
  all.unties = tied && pair.apart;
  if (all.unties) {
    DensePart head{packed.reader().at(ends.table).spec};
    head.from = &packed.reader().at(ends.table);
    head.spec.name = ends.head;
    all.parts.push_back(std::move(head));
    if (!ends.bias.empty()) {
      DensePart bias{packed.reader().at(ends.bias).spec};
      bias.from = &packed.reader().at(ends.bias);
      bias.spec.name = ends.untied_bias;
      all.parts.push_back(std::move(bias));
    }
  }
  for (DensePart& part : all.parts) {
    const bool of_pair = tied && (part.spec.name == ends.table || part.spec.name == ends.head);
    if (of_pair) {
      replace(part, part.spec.name == ends.table ? pair.table : pair.head);
    } else {
      for (const TensorView& view : merged->replaced()) {
        const bool copied = part.spec.name == ends.untied_bias && view.name() == ends.bias;
        if (copied || view.name() == part.spec.name) replace(part, &view);
      }
    }
    merge(part, ends, *merged);
  }
  return all;
}

std::vector<KeptTensor> kept_tensors(const PackedCheckpoint& packed, const PeftAdapterReader& adapter) {
  const ModelEnds ends = model_ends(packed);
  const bool low_rank = adapter.embedding() != nullptr || adapter.find(module_of(ends.head)) != nullptr;
  std::vector<KeptTensor> all;
  const auto add = [&](std::string_view name, const TensorView& view) {
    const bool there =
        std::any_of(all.begin(), all.end(), [&](const KeptTensor& kept) { return kept.name == name; });
    if (!there) all.push_back({std::string(name), &view});
  };
  for (const TensorView& view : adapter.replaced()) {
    const bool of_pair = view.name() == ends.table || view.name() == ends.head;
    add(view.name(), view);
    if (!of_pair || low_rank || !ends.tied || !adapter.in_place(view.name())) continue;
    add(ends.table, view);
    add(ends.head, view);
  }
  return all;
}

}  // namespace lq
