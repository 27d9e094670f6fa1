#include "jobs/options/job_identity.h"

#include <algorithm>

namespace lq {
namespace {

nlohmann::json::json_pointer place_of(const OptionInfo& info) {
  if (!info.identity.empty()) return nlohmann::json::json_pointer(info.identity);
  std::string name = info.key;
  std::replace(name.begin(), name.end(), '-', '_');
  return nlohmann::json::json_pointer("/" + name);
}

class IdentityWriter final : public OptionVisitor {
 public:
  explicit IdentityWriter(nlohmann::json& job) : job_(job) {}
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override {
    if (!info.changes_result) return;
    if (const auto identity = value->identity()) job_[place_of(info)] = *identity;
  }

 private:
  nlohmann::json& job_;
};

class IdentityRenewer final : public OptionVisitor {
 public:
  explicit IdentityRenewer(nlohmann::json& job) : job_(job) {}
  // Whatever counts now: what an older version has written may be of other values.
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override {
    const auto place = place_of(info);
    if (!job_.contains(place)) return;
    nlohmann::json& old = job_[place];
    old = value->identity_today(old);
  }

 private:
  nlohmann::json& job_;
};

}  // namespace

nlohmann::json with_identity(nlohmann::json job, const Describe& describe) {
  IdentityWriter writer(job);
  describe(writer);
  return job;
}

nlohmann::json identity_today(nlohmann::json old, const Describe& describe) {
  if (!old.is_object()) return old;
  IdentityRenewer renewer(old);
  describe(renewer);
  return old;
}

}  // namespace lq
