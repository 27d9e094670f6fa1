// Described options (files/options/option.h), set and read as the command line and recipes do it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "files/options/option.h"

namespace lq::test {

// Sets the option as a user would. Returns what it then is. Throws what OptionValue::set throws.
template <typename Options>
nlohmann::json set_option(Options& options, const std::string& key, const nlohmann::json& value) {
  class Setter final : public OptionVisitor {
   public:
    Setter(const std::string& key, const nlohmann::json& value) : key_(key), value_(value) {}
    void option(const OptionInfo& info, std::unique_ptr<OptionValue> option) override {
      if (info.key != key_) return;
      found = true;
      option->set(value_);
      now = option->get();
    }
    bool found = false;
    nlohmann::json now;

   private:
    const std::string& key_;
    const nlohmann::json& value_;
  } setter(key, value);
  describe(setter, options);
  EXPECT_TRUE(setter.found) << "there is no option " << key;
  return setter.now;
}

// What all options say of themselves, by key.
template <typename Options>
std::map<std::string, OptionInfo> option_infos(Options& options) {
  class Reader final : public OptionVisitor {
   public:
    void option(const OptionInfo& info, std::unique_ptr<OptionValue>) override {
      EXPECT_TRUE(all.emplace(info.key, info).second) << info.key << " is described twice";
    }
    std::map<std::string, OptionInfo> all;
  } reader;
  describe(reader, options);
  return reader.all;
}

}  // namespace lq::test
