#include "train/whole_parameters.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/option_error.h"

namespace lq {
namespace {

// Weights of all norms, and their biases.
std::set<std::string> norm_tensors(const Model& model) {
  std::set<std::string> names;
  for (ModelTensor& tensor : model_tensors(model.spec(), model.names())) {
    if (is_norm(tensor.role)) names.insert(std::move(tensor.name));
  }
  return names;
}

// What people call by one name.
std::vector<Parameter*> parameters_called(Model& model, const std::string& what) {
  std::vector<Parameter*> all;
  LabelHead* const labels = model.label_head();
  if (what == "pooler" && labels != nullptr && model.spec().label_dense_in_body) {
    all = {labels->dense().weight().parameter(), labels->dense().bias()};
  }
  const auto norms = what == "norms" ? norm_tensors(model) : std::set<std::string>();
  for (Parameter* p : model.parameters()) {
    const bool embeddings = p == &model.embedding().table();
    const bool head = model.spec().has_head && p == model.head().projection().weight().parameter();
    if (norms.contains(p->name) || (what == "embeddings" && embeddings) || (what == "head" && head)) {
      all.push_back(p);
    }
  }
  check_option(!all.empty(), "train", "{}: the model has none that is not packed", what);
  return all;
}

// Of the head over whole sequences.
std::vector<Parameter*> label_parameters(Model& model) {
  LabelHead& head = *model.label_head();
  std::vector<Parameter*> all = {head.classifier().weight().parameter(), head.classifier().bias()};
  const std::string dense = head.dense().weight().parameter()->name;
  const bool fresh = std::find(model.fresh().begin(), model.fresh().end(), dense) != model.fresh().end();
  if (fresh || !model.spec().label_dense_in_body) {
    all.push_back(head.dense().weight().parameter());
    all.push_back(head.dense().bias());
  }
  return all;
}

// Whether it is the weight of a module that has a low-rank part: in PEFT its frozen base layer.
bool has_low_rank_part(Model& model, const Parameter& p) {
  if (model.embedding().lora() != nullptr && &p == &model.embedding().table()) return true;
  const auto modules = model.modules();
  return std::ranges::any_of(modules, [&](const Module& m) {
    return m.linear->lora() != nullptr && m.linear->weight().parameter() == &p;
  });
}

}  // namespace

std::vector<Parameter*> train_whole(Model& model, const LoraOptions& options) {
  std::vector<Parameter*> all;
  const auto add = [&all](const std::vector<Parameter*>& some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  for (const std::string& what : options.whole) add(parameters_called(model, what));
  if (options.label_head) add(label_parameters(model));
  for (Parameter* p : all) p->make_trainable();
  for (const std::string& name : options.replaced) {
    Parameter* const p = model.find_parameter(name);
    if (p == nullptr) continue;
    if (options.start != LoraStart::kStacked && !has_low_rank_part(model, *p)) p->make_trainable();
    all.push_back(p);
  }
  // Tied weights are head and embeddings at once.
  std::ranges::sort(all, {}, &Parameter::name);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace lq
