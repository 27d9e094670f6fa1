#include "hub/pull_options.h"

#include "files/options/option_values.h"

namespace lq::hub {

void describe(OptionVisitor& v, PullOptions& o) {
  v.option({.key = "repository",
            .help = "ORG/NAME, or ORG/NAME@REVISION; datasets/ORG/NAME for data",
            .position = "ORG/NAME",
            .required = true},
           text(o.repository));
  v.option({.key = "file",
            .help = "Only files whose names match this glob (repeatable); default: what a model needs"},
           texts(o.files));
  v.option({.key = "offline", .help = "Only look into the cache"}, flag(o.offline));
  v.option(
      {.key = "endpoint", .help = "Address of the hub (default: HF_ENDPOINT, or https://huggingface.co)"},
      text(o.endpoint));
  v.option({.key = "cache",
            .help = "Folder of the cache (default: HF_HUB_CACHE, HF_HOME/hub, or ~/.cache/huggingface/hub)"},
           path(o.cache));
}

}  // namespace lq::hub
