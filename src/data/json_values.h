// The records of a JSON file, read one after the other without holding the file in memory, in each of the
// shapes that people have:
//   lines    one object a line (JSON lines)
//   values   objects over several lines, or several on a line, one behind the other
//   list     one list of objects
//   wrapper  one object that holds the list: {"data": [...]}, also train, rows, records, examples, instances
// The shape is told from the first two lines that are not blank.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <string>

#include "data/data_report.h"
#include "data/line_reader.h"

namespace lq {

class JsonValues {
 public:
  // report may be null: where keys beside a wrapped list are counted.
  JsonValues(LineReader lines, DataReport* report);

  // The next record as a JSON value that need not be an object; false at the end. Throws kCorruptFile with
  // the place: where goes_on() is true then, the next call reads what is behind the damage.
  bool next(nlohmann::ordered_json& value);
  bool goes_on() const { return goes_on_; }
  // "path:line", in a list "path: record N", of what next() gave last.
  std::string place() const;
  // The line; the number of the record in a list.
  std::int64_t line() const { return listed_ ? number_ : line_; }
  const std::string& name() const { return lines_.name(); }

 private:
  enum class Shape { kUnknown, kLines, kValues, kList, kWrapped };
  struct Line {
    std::string text;
    std::int64_t number;
  };
  bool fetch();  // one more line that is not blank into pending_
  void find_shape();
  bool next_line(nlohmann::ordered_json& value);
  bool next_value(nlohmann::ordered_json& value);
  bool next_element(nlohmann::ordered_json& value);
  std::string take_value();  // from the front of pending_, over lines
  bool skip_blank();         // to the next character; false at the end
  char front() const { return pending_.front().text[at_]; }
  void unwrap(nlohmann::ordered_json& value);

  LineReader lines_;
  DataReport* report_;
  std::deque<Line> pending_;
  std::size_t at_ = 0;  // in pending_.front()
  Shape shape_ = Shape::kUnknown;
  bool listed_ = false;  // records have numbers
  bool goes_on_ = false;
  bool first_ = true;    // no value was given yet
  bool closed_ = false;  // behind the end of the list
  std::int64_t line_ = 0, number_ = 0;
  nlohmann::ordered_json wrapped_;
};

// Whether text that begins like this is JSON: an object, or a list of objects or of nothing.
bool looks_like_json(std::string_view head);

}  // namespace lq
