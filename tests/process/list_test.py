"""Lists: sources, replacement strings, order, tags, how many at once, dry runs, retries."""

import glob
import os
import subprocess
import unittest

import harness
from harness import ProcessTest


class Sources(ProcessTest):
    def test_items_behind_three_colons_are_one_task_each(self):
        ended = self.run_list("-k", "echo", "[{}]", ":::", "a", "b c", "", "*")
        self.expect(ended, 0, "[a]\n[b c]\n[]\n[*]\n", "4 ok, 0 failed")

    def test_two_sources_make_every_combination_the_last_fastest(self):
        ended = self.run_list("-k", "echo", "{1}-{2}", ":::", "a", "b", ":::", "1", "2", "3")
        self.expect(ended, 0, "a-1\na-2\na-3\nb-1\nb-2\nb-3\n")

    def test_linked_sources_go_item_by_item(self):
        ended = self.run_list("-k", "echo", "{1}-{2}", ":::", "a", "b", ":::+", "1", "2")
        self.expect(ended, 0, "a-1\nb-2\n")

    def test_a_file_behind_four_colons_gives_its_lines(self):
        self.file("list", "one\ntwo three\nlast without newline")
        self.expect(self.run_list("-k", "echo", "::::", "list"), 0, "one\ntwo three\nlast without newline\n")

    def test_files_named_by_an_option_combine(self):
        self.file("first", "a\nb\n")
        self.file("second", "1\n2\n")
        ended = self.run_list("-k", "-a", "first", "-a", "second", "echo", "{2}{1}")
        self.expect(ended, 0, "1a\n2a\n1b\n2b\n")

    def test_standard_input_gives_its_lines(self):
        self.expect(self.run_list("-k", "echo", "={}=", input=b"x\ny\n"), 0, "=x=\n=y=\n")

    def test_standard_input_can_be_named_by_a_dash(self):
        ended = self.run_list("-k", "echo", ":::", "a", "::::", "-", input=b"1\n2\n")
        self.expect(ended, 0, "a 1\na 2\n")

    def test_items_that_end_with_a_zero_byte_keep_their_newlines(self):
        ended = self.run_list("-k", "-0", "printf", "%s,", "{}", input=b"a\nb\0c\0")
        self.expect(ended, 0, b"a\nb,c,")

    def test_lines_are_command_lines_where_there_is_no_command(self):
        ended = self.run_list("-k", input=b"echo 1; echo 2\nprintf '%s\\n' three\n")
        self.expect(ended, 0, "1\n2\nthree\n")

    def test_columns_of_a_line(self):
        ended = self.run_list("-k", "--colsep", ",", "echo", "{2}:{1}", input=b"a,b\nc,d\n")
        self.expect(ended, 0, "b:a\nd:c\n")

    def test_several_items_per_task(self):
        self.expect(self.run_list("-k", "-N", "2", "echo", ":::", "a", "b", "c"), 0, "a b\nc\n")

    def test_the_first_items_run_before_the_input_ends(self):
        child = self.start("run", "echo", "{}; touch done-{}", stdin=subprocess.PIPE)
        child.stdin.write(b"1\n2\n")
        child.stdin.flush()
        self.wait_for_file("done-1")
        self.wait_for_file("done-2")
        child.stdin.write(b"3\n")
        ended = self.finish(child)
        self.expect(ended, 0)
        self.assertEqual(sorted(ended.out.split()), [b"1", b"2", b"3"])


class Replacement(ProcessTest):
    def test_parts_of_a_path(self):
        words = ["echo", "{},{.},{/},{//},{/.},{#}", ":::", "dir/sub.d/file.tar.gz", "plain"]
        first = "dir/sub.d/file.tar.gz,dir/sub.d/file.tar,file.tar.gz,dir/sub.d,file.tar,1\n"
        self.expect(self.run_list("-k", *words), 0, first + "plain,plain,plain,.,plain,2\n")

    def test_it_is_what_parallel_prints_where_that_is_installed(self):
        if not os.path.exists("/usr/bin/parallel"):
            self.skipTest("GNU parallel is not installed")
        texts = ["a/b.c", "/x", "it's", "a b", "$HOME", "", "~"]
        for words in (
            ["-k", "echo", "{} {.} {/} {//} {/.} {#}", ":::", *texts],
            ["-k", "{}", ":::", "echo x; echo y", "echo 'a  b'"],
            ["-k", ":::", "echo x; echo y", "echo 'a  b'"],
            ["-k", "-d", ",", "echo", "x{}x", ":::", "a,,b", "c"],
            ["-k", "--colsep", ",", "echo", "{2} {1}", ":::", "a,b", "c,d"],
        ):
            theirs = subprocess.run(
                ["parallel", "--will-cite", *words],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
            )
            self.assertEqual(theirs.returncode, 0, theirs.stderr)
            self.expect(self.run_list(*words), 0, theirs.stdout)

    def test_replaced_text_never_means_anything_to_the_shell(self):
        nasty = ["$(touch broken)", "`touch broken`", "; touch broken", "a\nb", "'", '"', "\\", "a  b", "!x", "&", "|"]
        ended = self.run_list("-k", "printf '%s\\0' {}; true", ":::", *nasty)
        self.expect(ended, 0, b"".join(text.encode() + b"\0" for text in nasty))
        self.assertEqual(os.listdir(self.work), [])

    def test_a_later_option_belongs_to_the_command(self):
        self.expect(self.run_list("-k", "echo", "-k", "--tag", "{}", ":::", "x"), 0, "-k --tag x\n")

    def test_a_dry_run_prints_the_command_lines_and_starts_nothing(self):
        ended = self.run_list("--dry-run", "touch", "{}", ";", "echo", "{#}", ":::", "a", "b c")
        self.expect(ended, 0, "touch a ; echo 1\ntouch 'b c' ; echo 2\n")
        self.assertEqual(os.listdir(self.work), [])


class Tasks(ProcessTest):
    def most_at_once(self, *options, tasks=12):
        """Runs tasks that note their begin and end, and returns how many there were at once at most."""
        script = "echo + >>log; sleep 0.1; echo - >>log; true"
        ended = self.run_list(*options, script + " {}", ":::", *map(str, range(tasks)))
        self.expect(ended, 0)
        depth = most = 0
        for line in harness.read_file(os.path.join(self.work, "log")).split():
            depth += 1 if line == b"+" else -1
            most = max(most, depth)
        self.assertEqual(depth, 0)
        return most

    def test_as_many_tasks_at_once_as_asked_for(self):
        self.assertEqual(self.most_at_once("-j", "5"), 5)

    def test_one_at_a_time(self):
        self.assertEqual(self.most_at_once("-j1", tasks=4), 1)

    def test_never_more_than_the_agent_has_slots(self):
        self.start_agent(slots=3)
        self.assertEqual(self.most_at_once("-j", "8"), 3)

    def test_a_share_of_the_cores(self):
        self.assertEqual(self.most_at_once("-j", "100%"), len(os.sched_getaffinity(0)))

    def test_two_thousand_files_in_order_are_byte_identical_to_the_shell_loop(self):
        files = [name for name in glob.glob("/usr/share/doc/**", recursive=True) if os.path.isfile(name)][:2000]
        if len(files) < 2000:
            files = [name for name in glob.glob("/usr/share/**", recursive=True) if os.path.isfile(name)][:2000]
        self.assertEqual(len(files), 2000)
        listing = "".join(name + "\n" for name in files).encode()
        loop = 'while IFS= read -r file; do sha256sum "$file"; done'
        expected = subprocess.run(["sh", "-c", loop], input=listing, capture_output=True, check=True).stdout
        ended = self.run_list("-k", "sha256sum", input=listing, seconds=60)
        self.expect(ended, 0, expected, "2000 ok, 0 failed")

    def test_a_tag_stands_before_every_line(self):
        ended = self.run_list("-k", "--tag", "printf '1\\n2'; echo 3 >&2; true", ":::", "a", "b")
        self.expect(ended, 0, "a\t1\na\t2b\t1\nb\t2")
        self.assertIn("a\t3\n", ended.message)
        self.assertIn("b\t3\n", ended.message)

    def test_outputs_of_tasks_are_never_mixed(self):
        ended = self.run_list("-j4", "for i in 1 2 3 4 5; do echo {}; sleep 0.01; done", ":::", "a", "b", "c", "d")
        self.expect(ended, 0)
        lines = ended.out.decode().split("\n")[:-1]
        groups = [lines[at : at + 5] for at in range(0, 20, 5)]
        self.assertEqual(len(lines), 20)
        self.assertTrue(all(len(set(group)) == 1 for group in groups), lines)
        self.assertEqual({group[0] for group in groups}, {"a", "b", "c", "d"})

    def test_without_order_the_first_to_end_is_the_first_to_be_shown(self):
        # The last one goes on when the first one's process is gone, and leaves its result some time to arrive.
        command = "if [ {} = first ]; then echo $$ >pid; mv pid go; else while ! [ -e go ]; do sleep 0.01; done; "
        command += "while kill -0 $(cat go) 2>/dev/null; do sleep 0.01; done; sleep 0.3; fi; echo {}"
        self.expect(self.run_list("-j2", command, ":::", "last", "first"), 0, "first\nlast\n")

    def test_a_large_output_arrives_whole(self):
        ended = self.run_list("-k", "head -c {} /dev/zero | tr '\\0' x", ":::", "65535", "65536", "65537", "3000000")
        self.expect(ended, 0, b"x" * (65535 + 65536 + 65537 + 3000000))

    def test_a_command_that_succeeds_at_its_second_try(self):
        command = "echo $GIBBON_ATTEMPT >>tries-{}; [ $GIBBON_ATTEMPT = 1 ]"
        ended = self.run_list("--retries", "1", "-j1", command, ":::", "a", "b")
        self.expect(ended, 0, b"", "2 ok, 0 failed")
        self.assertEqual(harness.read_file(os.path.join(self.work, "tries-a")), b"0\n1\n")
        self.assertEqual(harness.read_file(os.path.join(self.work, "tries-b")), b"0\n1\n")

    def test_tries_used_up_are_one_failure(self):
        ended = self.run_list("--retries", "2", "echo x >>tries; false {}", ":::", "a")
        self.expect(ended, 1, b"", "1 failed")
        self.assertEqual(harness.read_file(os.path.join(self.work, "tries")), b"x\n" * 3)

    def test_a_time_limit_ends_a_task_and_all_below_it(self):
        command = "[ {} = slow ] && { sleep 61 & sleep 62; }; echo {}"
        ended = self.run_list("--timeout", "0.3", command, ":::", "slow", "fast")
        self.expect(ended, 1, "fast\n", ["1 ok, 1 failed", "timed out"])
        self.assertLess(ended.seconds, 10 * harness.SCALE)

    def test_many_tasks_leave_no_zombie(self):
        agent = self.start_agent(slots=4)
        self.expect(self.run_list("true", *[":::", *map(str, range(1000))], seconds=60), 0, b"", "1000 ok")
        self.assert_no_zombies(agent.pid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
