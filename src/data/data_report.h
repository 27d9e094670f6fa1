// What happened to data on its way into a run, beyond "it was read": what was left out, changed or not
// understood. Each kind is said once, with how often and where first.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "files/json_object.h"

namespace lq {

enum class Finding {
  kInvalidUtf8,        // lines with bytes that are not UTF-8; each malformed part becomes U+FFFD
  kTextLikeJson,       // files read as plain text whose first line is a JSON object
  kFilePassedOver,     // files of a folder that hold data in a form that is not read; detail: the ending
  kHiddenPassedOver,   // hidden files and folders of a folder, and outputs of this program in it
  kNoFilePassedOver,   // entries of a folder that are no files: pipes, links to folders and to nothing
  kSplitName,          // files of a folder named as its test or validation data; detail: which
  kWrapperKey,         // keys beside the list of records; detail: the key
  kUnusedField,        // fields of records that no format has a place for; detail: the field
  kPartsJoined,        // messages whose text parts were joined, as the template takes text only
  kTextAsPart,         // messages whose text became a part, as the template takes parts only
  kEmptySystem,        // empty system texts, left out
  kSystemTwice,        // `system` fields beside a conversation that begins with a system message
  kTurnNotTrained,     // assistant messages with "weight": 0, "train": false and the like
  kFlagNoEffect,       // such flags on messages that are not the assistant's; detail: the role
  kEmptyTurn,          // assistant messages without text and call: not trained
  kKeyNotWritten,      // keys of messages that the template does not write; detail: the key
  kContentNotWritten,  // messages that the template does not write whole; detail: the role
  kColumnNotWritten,   // records with tools or documents that the template does not write; detail: which
};

class DataReport {
 public:
  // place: "path:line", of the first one.
  void count(Finding what, std::string_view detail, std::string_view place, std::int64_t times = 1);
  // Of all details together.
  std::int64_t total(Finding what) const;
  bool empty() const { return entries_.empty(); }
  void add(const DataReport& more);

  // One line each, for people: "12 lines are not UTF-8 ... (first: a.txt:3)".
  std::vector<std::string> lines() const;
  // [{"what": "invalid_utf8", "detail": "", "count": 12, "first": "a.txt:3"}, ...]
  nlohmann::ordered_json to_json() const;
  // What to_json() gave; kinds that are not known are left out. Throws what JsonObject's getters throw.
  static DataReport from_records(const std::vector<JsonObject>& records);

 private:
  struct Entry {
    Finding what;
    std::string detail;
    std::int64_t count;
    std::string first;
  };
  std::vector<Entry> entries_;  // in the order of their first occurrence
};

}  // namespace lq
