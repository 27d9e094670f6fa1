#include "cli/app.h"

namespace lq::cli {

void add_verbs(CLI::App& app, Action& action) {
  add_quantize(app, action);
  add_sweep(app, action);
  add_calibrate(app, action);
  add_allocate(app, action);
  add_data(app, action);
  add_finetune(app, action);
  add_compare(app, action);
  add_glue(app, action);
  add_eval(app, action);
  add_generate(app, action);
  add_chat(app, action);
  add_tokenize(app, action);
  add_inspect(app, action);
  add_pull(app, action);
  add_run(app, action);
  add_report(app, action);
  add_export(app, action);
  add_version(app, action);
}

}  // namespace lq::cli
