#include "data/data_report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/printable.h"

namespace lq {
namespace {

struct Words {
  Finding what;
  std::string_view key;   // in JSON: never renamed
  std::string_view text;  // {0}: the count, {1}: the detail
};

constexpr std::array kWords = {
    Words{Finding::kInvalidUtf8, "invalid_utf8",
          "{0} line(s) with bytes that are not UTF-8; each malformed part becomes U+FFFD"},
    Words{Finding::kTextLikeJson, "text_like_json",
          "{0} file(s) read as plain text, though the first line is a JSON object; name them .jsonl to read "
          "records"},
    Words{Finding::kFilePassedOver, "file_passed_over",
          "{0} {1} file(s) passed over, which cannot be read as data"},
    Words{Finding::kHiddenPassedOver, "hidden_passed_over",
          "{0} hidden file(s) or folder(s), or output(s) of this program, passed over"},
    Words{Finding::kNoFilePassedOver, "no_file_passed_over",
          "{0} link(s) to folders or to nothing, pipe(s) or device(s) of a folder passed over"},
    Words{Finding::kSplitName, "split_name",
          "{0} file(s) named as {1} data are read like the others of their folder"},
    Words{Finding::kWrapperKey, "wrapper_key",
          "key '{1}' beside the list of records is not used ({0} time(s))"},
    Words{Finding::kUnusedField, "unused_field", "field '{1}' is not used ({0} record(s))"},
    Words{Finding::kPartsJoined, "parts_joined",
          "{0} message(s) given as parts of text were joined: the chat template takes text"},
    Words{Finding::kTextAsPart, "text_as_part",
          "{0} message(s) of plain text were given as a part: the chat template takes lists of parts"},
    Words{Finding::kEmptySystem, "empty_system", "{0} empty system text(s) left out"},
    Words{Finding::kSystemTwice, "system_twice",
          "{0} field(s) '{1}' not used: the conversation begins with a system message of its own"},
    Words{Finding::kTurnNotTrained, "turn_not_trained", "{0} answer(s) not trained, as their '{1}' says"},
    Words{Finding::kFlagNoEffect, "flag_no_effect",
          "{0} message(s) of role '{1}' marked to be trained: only the assistant's are"},
    Words{Finding::kEmptyTurn, "empty_turn", "{0} answer(s) without text and without a call: not trained"},
    Words{Finding::kKeyNotWritten, "key_not_written",
          "key '{1}' of {0} message(s) is not written by the chat template"},
    Words{Finding::kContentNotWritten, "content_not_written",
          "content of {0} message(s) of role '{1}' is not written, or not whole, by the chat template"},
    Words{Finding::kColumnNotWritten, "column_not_written",
          "{1} of {0} record(s) are not written by the chat template"},
};

const Words& words_of(Finding what) {
  return *std::ranges::find_if(kWords, [&](const Words& w) { return w.what == what; });
}

}  // namespace

void DataReport::count(Finding what, std::string_view detail, std::string_view place, std::int64_t times) {
  if (times <= 0) return;
  for (Entry& entry : entries_) {
    if (entry.what != what || entry.detail != detail) continue;
    entry.count += times;
    return;
  }
  entries_.push_back({what, std::string(detail), times, std::string(place)});
}

std::int64_t DataReport::total(Finding what) const {
  std::int64_t sum = 0;
  for (const Entry& entry : entries_) sum += entry.what == what ? entry.count : 0;
  return sum;
}

void DataReport::add(const DataReport& more) {
  for (const Entry& e : more.entries_) count(e.what, e.detail, e.first, e.count);
}

std::vector<std::string> DataReport::lines() const {
  std::vector<std::string> out;
  for (const Entry& e : entries_) {
    const std::string text = fmt::format(fmt::runtime(words_of(e.what).text), e.count, printable(e.detail));
    out.push_back(fmt::format("{} (first: {})", text, e.first));
  }
  return out;
}

nlohmann::ordered_json DataReport::to_json() const {
  auto out = nlohmann::ordered_json::array();
  for (const Entry& e : entries_) {
    out.push_back({{"what", words_of(e.what).key},
                   {"detail", printable(e.detail)},
                   {"count", e.count},
                   {"first", e.first}});
  }
  return out;
}

DataReport DataReport::from_records(const std::vector<JsonObject>& records) {
  DataReport out;
  for (const JsonObject& record : records) {
    const auto words = std::ranges::find(kWords, record.text("what"), &Words::key);
    if (words == kWords.end()) continue;
    out.count(words->what, record.text("detail"), record.text("first"), record.integer("count"));
  }
  return out;
}

}  // namespace lq
