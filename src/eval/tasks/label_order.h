// In which order a trained classifier has a task's labels: config.json's id2label.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "eval/tasks/glue.h"
#include "files/json_object.h"

namespace lq {

struct LabelOrder {
  std::vector<std::size_t>
      output_of;                   // the classifier's output for each of the task's labels; empty: the same
  std::vector<std::string> names;  // of the outputs, as the model names them, else as the task does
  std::string note = {};           // for people, where the model's labels are not used or not known
};

// config: of the model. A classifier whose labels are the task's by name (in any case, "-" and "_" alike)
// keeps its order; one with as many labels of other names is taken in the task's order, which `note` says;
// one with another number of labels is replaced by a new one, which `note` says.
LabelOrder label_order(const GlueTask& task, const JsonObject& config);

}  // namespace lq
