/* A library that is not NVML. */
int fake_empty(void);

int fake_empty(void)
{
    return 0;
}
