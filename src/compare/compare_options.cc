#include "compare/compare_options.h"

#include "files/options/option_values.h"

namespace lq {

void describe(OptionVisitor& v, CompareOptions& o) {
  v.option({.key = "recipe",
            .help = "TOML file: model, texts, methods, bits, seeds, finetune's flags",
            .position = "RECIPE",
            .required = true},
           path(o.recipe));
  v.option({.key = "out",
            .help = "Directory for table, figure, models and adapters",
            .letter = "o",
            .required = true,
            .changes_result = false},
           path(o.out));
  v.option({.key = "overwrite",
            .help = "Make again what another recipe made in the directory",
            .changes_result = false},
           flag(o.overwrite));
}

}  // namespace lq
