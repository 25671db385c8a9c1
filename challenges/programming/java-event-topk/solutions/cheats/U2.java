// expect: verdict=invalid_output
// Ends with exit code 0 at once.

import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        System.exit(0);
    }
}
