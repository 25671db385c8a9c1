// expect: verdict=wrong_answer score<=0
// Reports nothing, and leaves a helper that goes on computing to write a report when the program is over.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        new ProcessBuilder("sh", "-c", "while [ -d /proc/" + ProcessHandle.current().pid() + " ]; do :; done; echo late > late.csv").start();
        System.out.println("hour,rank,item,users,p95\nmalformed,,,0,");
    }
}
