#include "train/full_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/option_error.h"
#include "files/json_file.h"
#include "formats/config_file.h"
#include "formats/side_files.h"
#include "formats/stored_writer.h"
#include "models/registry.h"

namespace lq {

std::vector<TensorSpec> train_all_parameters(Model& model) {
  check_option(!model.packed(), "full",
               "goes with a dense model, but {} is packed, and packed weights do not learn",
               model.checkpoint()->path().string());
  for (const Module& module : model.modules()) {
    LQ_CHECK(module.linear->weight().parameter() != nullptr, kInternal,
             "{}: a frozen weight cannot learn (ModelLoadOptions::decode_all)", module.linear->name());
  }
  std::vector<TensorSpec> specs;
  for (Parameter* p : model.parameters()) {
    specs.push_back({p->name, DType::kF32, p->value.shape()});
    p->make_trainable();
  }
  return specs;
}

namespace {

// As Hugging Face finds it: whatever the checkpoint was, a model with a head over sequences now.
void add_labels(const Model& model, const LabelNames& labels, nlohmann::ordered_json& config) {
  const LabelSpec& spec = *model.spec().labels;
  config["architectures"] = {labels_architecture(model.hf_config())};
  nlohmann::ordered_json id2label = nlohmann::ordered_json::object();
  nlohmann::ordered_json label2id = nlohmann::ordered_json::object();
  for (std::int64_t i = 0; i < spec.outputs; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::string name = at < labels.size() ? labels[at] : fmt::format("LABEL_{}", i);
    id2label[std::to_string(i)] = name;
    label2id[name] = i;
  }
  config["id2label"] = id2label;
  config["label2id"] = label2id;
  config.erase("num_labels");  // the base's, which transformers would take instead
  config["problem_type"] = spec.regression ? "regression" : "single_label_classification";
}

}  // namespace

void write_full_model(Model& model, const std::vector<TensorSpec>& specs,
                      const std::filesystem::path& directory, const LabelNames& labels) {
  std::filesystem::create_directories(directory);
  const bool labelled = model.label_head() != nullptr;
  std::vector<TensorSpec> written = specs;
  for (TensorSpec& spec : written) {
    if (labelled) spec.name = name_beside_labels(model, spec.name);
  }
  StoredWriter writer(directory, model.hf_config(), written);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Tensor& value = model.find_parameter(specs[i].name)->value;
    writer.write_f32(written[i].name, Tensor::borrow(value.dtype(), value.shape(), value.raw()));
  }
  writer.finish();
  copy_side_files(model.checkpoint()->folder(), directory);
  nlohmann::ordered_json config = model.hf_config().json();
  if (labelled) add_labels(model, labels, config);
  if (names_weight_type(config)) name_weight_type(config, DType::kF32);
  write_json(directory / "config.json", config);
}

}  // namespace lq
