#include "base/error.h"
#include "eval/python_random.h"
#include "eval/run_tasks.h"

namespace lq {
namespace {

constexpr std::uint32_t kShotSeed = 1234;  // the harness's

std::vector<TaskItem> items_of(const Task& task, const TaskFile& file, std::size_t limit) {
  std::vector<TaskItem> items;
  for (const TaskRecord& record : read_task_records(file)) {
    if (limit > 0 && items.size() == limit) break;
    items.push_back(task.item(record));
  }
  return items;
}

// Examples for the documents of one file, drawn in the order of the documents.
class Shots {
 public:
  Shots(const Task& task, std::vector<TaskItem> pool, std::size_t count)
      : task_(task), pool_(std::move(pool)), count_(count), random_(kShotSeed) {
    const bool spare = task.draws_spare && task.shot_order == ShotOrder::kDrawn;
    LQ_CHECK(count_ + (spare ? 1 : 0) <= pool_.size(), kInvalidArgument,
             "[tasks] {}: {} examples are asked for, but there are {} documents to take them from",
             task_.name, count_, pool_.size());
  }

  std::string before(const TaskItem& asked) {
    std::string text;
    for (const std::size_t i : chosen(asked)) text += pool_[i].shot + "\n\n";
    return text;
  }

 private:
  std::vector<std::size_t> chosen(const TaskItem& asked) {
    std::vector<std::size_t> result;
    if (task_.shot_order == ShotOrder::kFirst) {
      for (std::size_t i = 0; i < count_; ++i) result.push_back(i);
      return result;
    }
    for (const std::size_t i : random_.sample(pool_.size(), count_ + (task_.draws_spare ? 1 : 0))) {
      if (task_.draws_spare && pool_[i] == asked) continue;
      if (result.size() < count_) result.push_back(i);
    }
    if (result.size() == count_) return result;
    // The document lies in the pool more than once, and was drawn so: again, from the others.
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (pool_[i] != asked) others.push_back(i);
    }
    LQ_CHECK(count_ <= others.size(), kInvalidArgument,
             "[tasks] {}: {} examples are asked for, but {} documents differ from the one in hand",
             task_.name, count_, others.size());
    result.clear();
    for (const std::size_t k : random_.sample(others.size(), count_)) result.push_back(others[k]);
    return result;
  }

  const Task& task_;
  std::vector<TaskItem> pool_;
  std::size_t count_;
  PythonRandom random_;
};

}  // namespace

std::vector<AskedItem> asked_items(const Task& task, const TaskOptions& options) {
  const int shots = options.shots >= 0 ? options.shots : task.shots;
  std::vector<TaskFile> pools;
  if (shots > 0) pools = task_files(options.data, task.folder, task.shots_from, task.file_per_group);
  std::vector<AskedItem> asked;
  for (const TaskFile& file : task_files(options.data, task.folder, task.split, task.file_per_group)) {
    std::vector<TaskItem> items = items_of(task, file, static_cast<std::size_t>(options.limit));
    std::vector<TaskItem> pool;
    for (const TaskFile& from : pools) {
      if (task.file_per_group && from.group != file.group) continue;
      for (TaskItem& item : items_of(task, from, 0)) pool.push_back(std::move(item));
    }
    std::optional<Shots> examples;
    if (shots > 0) {
      examples.emplace(task, std::move(pool), static_cast<std::size_t>(shots));
    }
    for (TaskItem& item : items) {
      std::string before = task.description ? task.description(item.group) : "";
      if (examples) before += examples->before(item);
      asked.push_back({std::move(item), std::move(before)});
    }
  }
  return asked;
}

}  // namespace lq
