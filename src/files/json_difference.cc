#include "files/json_difference.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "base/printable.h"

namespace lq {
namespace {

using Json = nlohmann::json;

class Differences {
 public:
  // null: not given.
  void add(const std::string& path, const Json* before, const Json* now) {
    if (before != nullptr && now != nullptr && *before == *now) return;
    if (is_object_or_none(before) && is_object_or_none(now)) {
      std::set<std::string> keys;
      for (const Json* json : {before, now}) {
        if (json == nullptr) continue;
        for (const auto& item : json->items()) keys.insert(item.key());
      }
      if (!keys.empty()) {
        for (const std::string& key : keys) add(below(path, key), member(before, key), member(now, key));
        return;
      }
    }
    // Lists of one length name the place; of others all is shown.
    const bool lists = before != nullptr && now != nullptr && before->is_array() && now->is_array();
    if (lists && before->size() == now->size()) {
      for (std::size_t i = 0; i < now->size(); ++i)
        add(below(path, std::to_string(i)), &(*before)[i], &(*now)[i]);
      return;
    }
    lines_.push_back(
        fmt::format("{} was {}, now {}", printable(path.empty() ? "/" : path), shown(before), shown(now)));
  }

  std::string text() const {
    constexpr std::size_t kMost = 4;
    std::string text;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (i == kMost) return text + "; ...";
      text += (i == 0 ? "" : "; ") + lines_[i];
    }
    return text;
  }

 private:
  static bool is_object_or_none(const Json* json) { return json == nullptr || json->is_object(); }
  static const Json* member(const Json* json, const std::string& key) {
    if (json == nullptr) return nullptr;
    const auto found = json->find(key);
    return found == json->end() ? nullptr : &*found;
  }
  static std::string below(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "/" + key;
  }
  static std::string shown(const Json* json) {
    constexpr std::size_t kMostBytes = 200;
    if (json == nullptr) return "not given";
    std::string text = json->dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > kMostBytes) text = text.substr(0, kMostBytes) + "...";
    return printable(text);
  }

  std::vector<std::string> lines_;
};

}  // namespace

std::string json_differences(const Json& before, const Json& now) {
  Differences all;
  all.add("", &before, &now);
  return all.text();
}

}  // namespace lq
