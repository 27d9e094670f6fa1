#include "train/full_model.h"

#include "base/error.h"
#include "base/option_error.h"
#include "formats/sharded_writer.h"
#include "formats/side_files.h"
#include "formats/stored_layout.h"

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
    specs.push_back({p->name, view == nullptr ? DType::kF32 : weight_dtype(view->dtype()),
                     stored_shape(model.hf_config(), p->name, p->value.shape())});
    p->make_trainable();
  }
  return specs;
}

void write_full_model(Model& model, const std::vector<TensorSpec>& specs,
                      const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  ShardedWriter writer(directory, specs);
  for (const TensorSpec& spec : specs) {
    const Tensor& value = model.find_parameter(spec.name)->value;
    if (!lies_transposed(model.hf_config(), spec.name)) {
      writer.write_f32(spec.name, value.data<float>());
      continue;
    }
    const Tensor stored = stored_values(model.hf_config(), spec.name,
                                        Tensor::borrow(value.dtype(), value.shape(), value.raw()));
    writer.write_f32(spec.name, stored.data<float>());
  }
  writer.finish();
  copy_side_files(model.checkpoint()->folder(), directory);
  model.hf_config().save(directory / "config.json");
}

}  // namespace lq
