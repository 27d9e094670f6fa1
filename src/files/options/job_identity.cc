#include "files/options/job_identity.h"

#include <algorithm>

#include "base/error.h"

namespace lq {
namespace {

nlohmann::json::json_pointer place_of(const OptionInfo& info) {
  return nlohmann::json::json_pointer(identity_place(info));
}

class IdentityWriter final : public OptionVisitor {
 public:
  explicit IdentityWriter(nlohmann::json& job) : job_(job) {}
  void option(const OptionInfo& info, std::unique_ptr<OptionValue> value) override {
    if (!info.changes_result) return;
    if (!info.identified_by.empty()) {
      LQ_ASSERT(job_.contains(place_of(info)));
      return;
    }
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
    if (!info.identified_by.empty() || !job_.contains(place)) return;
    nlohmann::json& old = job_[place];
    old = value->identity_today(old);
  }

 private:
  nlohmann::json& job_;
};

}  // namespace

std::string identity_place(const OptionInfo& info) {
  if (!info.identified_by.empty()) return info.identified_by;
  if (!info.identity.empty()) return info.identity;
  std::string name = info.key;
  std::replace(name.begin(), name.end(), '-', '_');
  return "/" + name;
}

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
