// Small templates and what Jinja2 with transformers' settings makes of them
// (tests/goldens/make_template_goldens.py).
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/paths.h"
#include "templates/jinja.h"

namespace lq::test {

inline nlohmann::ordered_json template_goldens(const std::string& name) {
  std::ifstream in(std::filesystem::path(source_dir()) / "tests" / "goldens" / "templates" /
                   (name + ".json"));
  return nlohmann::ordered_json::parse(in);
}

// Renders every template of one group; where Jinja2 refuses, so have we to.
inline void expect_goldens(const std::string& group) {
  const auto goldens = template_goldens("jinja");
  const auto at = goldens["now"].get<std::vector<int>>();
  std::tm now{};
  now.tm_year = at[0] - 1900, now.tm_mon = at[1] - 1, now.tm_mday = at[2];
  now.tm_hour = at[3], now.tm_min = at[4], now.tm_sec = at[5];
  std::mktime(&now);
  ASSERT_FALSE(goldens["groups"][group].empty());
  for (const auto& golden : goldens["groups"][group]) {
    const auto source = golden["template"].get<std::string>();
    SCOPED_TRACE(source);
    try {
      const std::string text = Jinja(source, "t").render(goldens["variables"], {now});
      if (golden.contains("text")) {
        EXPECT_EQ(text, golden["text"].get<std::string>());
      } else {
        ADD_FAILURE() << "gives " << text << ", but Jinja2 refuses: " << golden["refused"];
      }
    } catch (const Error& e) {
      EXPECT_TRUE(golden.contains("refused")) << e.what();
    }
  }
}

}  // namespace lq::test
