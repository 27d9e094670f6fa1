#include "jobs/options/model_source.h"

#include "files/options/option_values.h"

namespace lq {

Model ModelSource::load(Context& context) const {
  ModelLoadOptions options;
  options.adapter = adapter;
  options.no_adapter = no_adapter;
  options.lora_scale = lora_scale;
  return Model::load(context, model, options);
}

void describe(OptionVisitor& v, ModelSource& o) {
  v.option(
      {.key = "model",
       .help = "Model directory: Hugging Face's, dense, or packed by lqlora; or one .safetensors file in "
               "it",
       .position = "MODEL",
       .required = true},
      path(o.model));
  v.option({.key = "adapter", .help = "PEFT LoRA adapter (default: MODEL/adapter of a packed model)"},
           path(o.adapter));
  v.option({.key = "no-adapter", .help = "The packed matrices alone", .excludes = {"adapter"}},
           flag(o.no_adapter));
  v.option({.key = "lora-scale",
            .help = "What the adapter adds is multiplied by this (0: nothing is added)",
            .excludes = {"no-adapter"},
            .changes_result = o.lora_scale != 1.0},
           number(o.lora_scale));
}

}  // namespace lq
