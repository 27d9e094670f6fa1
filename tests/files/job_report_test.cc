#include "files/job_report.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

struct ToyReport {
  int matrices = 0;
  std::string who;
  bool already_done = false;
};

ToyReport toy_report_from_json(const nlohmann::json& json, const std::string& who) {
  return {json.at("matrices").get<int>(), who};
}

TEST(JobReport, IsReadFromTheManifest) {
  const io_test::TempDir out;
  io_test::put_file(out / "lqlora.json", R"({"job": {}, "report": {"matrices": 3}})");
  EXPECT_EQ(job_report(out.path()), (nlohmann::json{{"matrices", 3}}));
  const ToyReport report = finished_job_report(out.path(), toy_report_from_json);
  EXPECT_EQ(report.matrices, 3);
  EXPECT_EQ(report.who, (out / "lqlora.json").string());
  EXPECT_TRUE(report.already_done);
}

TEST(JobReport, AManifestWithoutOneIsRefused) {
  const io_test::TempDir out;
  io_test::expect_error(ErrorCode::kNotFound, {"lqlora.json"}, [&] { job_report(out.path()); });
  io_test::put_file(out / "lqlora.json", R"({"job": {}})");
  io_test::expect_error(ErrorCode::kCorruptFile, {"lqlora.json: no report in it"},
                        [&] { job_report(out.path()); });
}

}  // namespace
}  // namespace lq
