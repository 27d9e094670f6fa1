#include "jobs/options/tool_options.h"

#include "files/options/option_values.h"

namespace lq {

void describe(OptionVisitor& v, PreviewOptions& o) {
  v.option({.key = "model",
            .help = "Model directory, for its tokenizer and chat template",
            .position = "MODEL",
            .required = true},
           path(o.model));
  describe(v, o.data);
  v.option({.key = "count", .help = "Examples to show"}, integer(o.count, 0));
}

void describe(OptionVisitor& v, TokenizeOptions& o) {
  v.option({.key = "tokenizer",
            .help = "Model (a directory or a .gguf file) or tokenizer file",
            .position = "MODEL_OR_TOKENIZER",
            .required = true},
           path(o.tokenizer));
  v.option({.key = "file", .help = "Read this file (default: standard input)"}, path(o.file));
  v.option({.key = "decode", .help = "Read token ids, write text"}, flag(o.decode));
  v.option({.key = "pieces", .help = "Show the tokens as the file writes them", .excludes = {"decode"}},
           flag(o.pieces));
  v.option({.key = "special", .help = "Add BOS, EOS and the like to each line as the tokenizer does"},
           flag(o.special));
}

void describe(OptionVisitor& v, InspectOptions& o) {
  v.option({.key = "path",
            .help = "Model directory, adapter directory, .safetensors, .gguf, sweep table or allocation",
            .position = "PATH",
            .required = true},
           path(o.path));
  v.option({.key = "no-hash", .help = "Do not read the weights to hash them"}, flag(o.no_hash));
}

}  // namespace lq
