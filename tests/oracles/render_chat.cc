// Renders chat templates for check_templates.py: one JSON object a line in, one a line out.
//   {"template", "messages", "tools", "documents", "variables", "add_generation_prompt",
//    "now": [y, m, d, h, min, s]}
//   {"text", "trained": [[begin, end, message] in bytes], "mask_error"} or {"error", "code"}
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "templates/chat_template.h"

namespace {

using lq::ChatJson;

ChatJson answer(const ChatJson& request) {
  const lq::ChatTemplate chat = lq::ChatTemplate::from_sources(request.at("template").get<std::string>(), {},
                                                               request.at("tokens"), "template");
  lq::ChatOptions options;
  options.tools = request.value("tools", ChatJson());
  options.documents = request.value("documents", ChatJson());
  options.variables = request.value("variables", ChatJson::object());
  options.add_generation_prompt = request.value("add_generation_prompt", false);
  if (request.contains("now")) {
    const auto n = request["now"].get<std::vector<int>>();
    std::tm now{};
    now.tm_year = n[0] - 1900, now.tm_mon = n[1] - 1, now.tm_mday = n[2];
    now.tm_hour = n[3], now.tm_min = n[4], now.tm_sec = n[5];
    std::mktime(&now);
    options.now = now;
  }
  ChatJson out = {{"text", chat.render(request.at("messages"), options)},
                  {"end_of_turn", chat.end_of_turn()}};
  if (options.add_generation_prompt) return out;
  try {
    out["trained"] = ChatJson::array();
    for (const lq::Span& s : chat.render_with_mask(request.at("messages"), options).trained) {
      out["trained"].push_back({s.begin, s.end, static_cast<std::int64_t>(s.message)});
    }
  } catch (const lq::Error& e) {
    out["mask_error"] = e.what();
  }
  return out;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    ChatJson out;
    try {
      out = answer(ChatJson::parse(line));
    } catch (const lq::Error& e) {
      out = {{"error", e.what()}, {"code", static_cast<int>(e.code())}};
    }
    std::cout << out.dump() << "\n" << std::flush;
  }
  return 0;
}
