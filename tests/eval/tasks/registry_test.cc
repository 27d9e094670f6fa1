#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "eval/task.h"

namespace lq {
namespace {

TEST(TaskRegistry, EveryTaskIsWhole) {
  std::set<std::string_view> names;
  for (const Task& task : all_tasks()) {
    EXPECT_TRUE(names.insert(task.name).second) << task.name;
    EXPECT_NE(task.item, nullptr) << task.name;
    EXPECT_NE(task.score, nullptr) << task.name;
    EXPECT_FALSE(task.folder.empty() || task.source.empty()) << task.name;
    EXPECT_EQ(&find_task(task.name), &task);
    EXPECT_EQ(task.kind == TaskKind::kGenerate, !task.stop.empty()) << task.name;
  }
  EXPECT_EQ(find_task("mmlu").shots, 5);
}

TEST(TaskRegistry, AnUnknownNameIsToldTheNearest) {
  try {
    find_task("helaswag");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean hellaswag?"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq
