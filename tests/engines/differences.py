"""What is known to differ where boxes have gVisor's kernel: the tests that fail there, and why that is as it should be.

A test is named as a whole, with its parameter (`...::test_name[parameter]`), or by its file.

`tests/sandbox/gvisor.py` asserts what holds instead. A test that is named here and passes is as wrong as one that is not named and fails.
"""

from __future__ import annotations

RUNSC = {
    "sandbox/test_services.py": "each container has a loopback of its own there, so that no relay reaches a service: the worker refuses to start with builds on",
    "sandbox/test_builds.py::test_an_image_and_its_facts": "it serves the image",
    "sandbox/test_builds.py::test_b6_the_image_cannot_choose_its_user_folders_or_checks": "it serves the image",
    "sandbox/test_builds.py::test_two_at_once_do_not_disturb_each_other": "it serves the images",
    "sandbox/test_pool.py::test_a_taken_box_has_the_limits_of_the_job_that_takes_it": "gVisor cannot change a live box, so one that waits has its limits from the start",
    "sandbox/test_pool.py::test_the_memory_limit_that_fires_is_the_jobs_own": "for the same reason a box waits for jobs of its own memory limit only",
    "sandbox/test_promises.py::test_everything_is_killed_at_the_wall_limit": "its control looks for the program on the host, where gVisor's processes do not appear; they end with their box",
    "sandbox/test_promises.py::test_a_memory_kill_of_the_main_process_is_a_fact": "the box's kernel calls it an exit; the host's kill count makes it memory_limit all the same",
    "sandbox/test_promises.py::test_many_small_files_are_bounded": "gVisor's tmpfs does not count inodes; memory bounds them",
    "sandbox/test_promises.py::test_processes_are_bounded": "the host counts gVisor's own threads: a fork bomb ends the whole box",
    "sandbox/test_promises.py::test_no_network": "nothing is reached, but the error is EHOSTUNREACH, not ENETUNREACH",
    "sandbox/test_promises.py::test_not_root_no_capabilities_no_new_privileges_seccomp_on": "no filter is in force before a kernel that is not the host's; /proc/self/status has no NoNewPrivs",
}

SOMETIMES = {
    "sandbox/test_promises.py::test_just_below_the_cpu_limit_is_fine": "gVisor's own cpu clock is coarse and runs before the host's, which the judge reads: the program believes that it has used more than it is charged",
}
"""What passes there on some days."""
