#include "train/full_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/option_error.h"
#include "files/json_file.h"
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
  const CheckpointReader& reader = model.checkpoint()->reader();
  std::vector<TensorSpec> specs;
  for (Parameter* p : model.parameters()) {
    const TensorView* view = reader.find(p->name);
    specs.push_back({p->name, view == nullptr ? DType::kF32 : weight_dtype(view->dtype()), p->value.shape()});
    p->make_trainable();
  }
  return specs;
}

namespace {

// As Hugging Face finds it: whatever the checkpoint was, a model with a head over sequences now.
nlohmann::ordered_json labelled_config(const Model& model, const LabelNames& labels) {
  nlohmann::ordered_json config = nlohmann::ordered_json::parse(model.hf_config().json().dump());
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
  config["problem_type"] = spec.regression ? "regression" : "single_label_classification";
  return config;
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
  if (labelled) {
    write_json(directory / "config.json", labelled_config(model, labels));
  } else {
    model.hf_config().save(directory / "config.json");
  }
}

}  // namespace lq
